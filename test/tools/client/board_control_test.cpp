#include "tools/client/board_control.hpp"

#include <gmock/gmock.h>

namespace stadion::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(board_control, writes_bodies_and_paths_that_servers_take) {
    EXPECT_EQ(freeze_body(true), R"({"frozen":true})");
    EXPECT_EQ(reversal_body("a \"mistake\""), R"({"reason":"a \"mistake\""})");
    EXPECT_EQ(reversal_path(17), "/v1/events/17/reversal");
}

TEST(board_control, says_whether_the_board_is_frozen_and_since_which_commit) {
    EXPECT_THAT(*state_lines(R"({"frozen":true,"since":1.5,"sequence":12})"),
                ElementsAre("frozen since #12: the public view stands still"));
    EXPECT_THAT(*state_lines(R"({"frozen":false})"), ElementsAre(HasSubstr("not frozen")));
    EXPECT_FALSE(state_lines("[]"));
}

TEST(board_control, shows_what_the_public_sees_above_what_is) {
    const auto lines = difference_lines(
        R"({"frozen":true,"games":[{"game":"hockey","public":null,"live":{"game":"hockey","points":{"A":2}}}],)"
        R"("teams":[{"team":"gauls","public":{"team":"gauls","medals":{"gold":1,"silver":0,"bronze":0}},)"
        R"("live":{"team":"gauls","medals":{"gold":3,"silver":0,"bronze":1}}}]})");
    ASSERT_TRUE(lines) << lines.error().message;
    EXPECT_THAT(*lines, ElementsAre("public  nothing", HasSubstr("  live  hockey: A 2"), HasSubstr("1 gold"),
                                    HasSubstr("3 gold, 0 silver, 1 bronze")));
    EXPECT_THAT(*difference_lines(R"({"games":[],"teams":[]})"), ElementsAre("the public sees everything"));
    EXPECT_FALSE(difference_lines("no JSON"));
}

TEST(board_control, tells_a_problem_by_its_code_and_detail) {
    net::http_response answer;
    answer.status = 404;
    answer.body = R"({"code":"NOT_FOUND","detail":"no update has the sequence 9"})";
    const auto failure = body_of(answer);
    ASSERT_FALSE(failure);
    EXPECT_EQ(failure.error().code, wire::status::not_found);
    EXPECT_EQ(failure.error().message, "no update has the sequence 9");
    answer.body = "<html>";
    EXPECT_THAT(body_of(answer).error().message, HasSubstr("404"));
}

} // namespace
} // namespace stadion::tools
