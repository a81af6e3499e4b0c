#include "net/board/board_json_input.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

namespace stadion::net {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

template <typename Value>
std::string refusal(const wire::result<Value>& of) {
    if (of) return "none";
    EXPECT_EQ(of.error().code, wire::status::invalid_argument);
    return of.error().message;
}

TEST(board_json_input, every_body_must_be_one_sound_json_object) {
    const std::function<std::string(std::string_view)> readers[]{
        [](std::string_view body) { return refusal(parse_score_update(body, "hockey")); },
        [](std::string_view body) { return refusal(parse_medal_increment(body)); },
        [](std::string_view body) { return refusal(parse_tally(body, "gauls")); },
        [](std::string_view body) { return refusal(parse_frozen(body)); },
        [](std::string_view body) { return refusal(parse_reason(body)); },
    };
    for (const auto& read : readers) {
        for (const auto* body : {"[]", "null", "1", R"("text")"})
            EXPECT_EQ(read(body), "the body is not a JSON object") << body;
        EXPECT_THAT(read(R"({"a":1,"a":2})"), HasSubstr("'a' is there twice"));
        for (const auto* body : {"", "{", "{} {}", "{'a':1}"}) EXPECT_NE(read(body), "none") << body;
    }
}

TEST(board_json_input, a_score_update_has_what_the_body_says_and_no_more) {
    const auto full = parse_score_update(
        R"({"game":"hockey","title":"Final","status":"LIVE","points":{"gauls":3,"romans":-1}})", "");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->game(), "hockey");
    EXPECT_EQ(full->title(), "Final");
    EXPECT_EQ(full->status(), v1::Score::LIVE);
    EXPECT_EQ(full->points().at("gauls"), 3);
    EXPECT_EQ(full->points().at("romans"), -1);
    EXPECT_EQ(full->points().size(), 2u);

    const auto bare = parse_score_update("{}", "hockey");
    ASSERT_TRUE(bare);
    EXPECT_FALSE(bare->has_title());
    EXPECT_FALSE(bare->has_status());
    EXPECT_THAT(bare->points(), IsEmpty());
}

TEST(board_json_input, an_empty_title_is_one_that_was_given) {
    const auto update = parse_score_update(R"({"title":""})", "hockey");
    ASSERT_TRUE(update);
    EXPECT_TRUE(update->has_title());
}

TEST(board_json_input, the_game_is_that_of_the_path_and_may_be_repeated) {
    EXPECT_EQ(parse_score_update("{}", "hockey")->game(), "hockey");
    EXPECT_EQ(parse_score_update(R"({"game":"hockey"})", "hockey")->game(), "hockey");
    EXPECT_EQ(refusal(parse_score_update(R"({"game":"judo"})", "hockey")),
              "game 'judo' is not the one of the path");
    EXPECT_EQ(refusal(parse_score_update("{}", "")), "game is missing");
    EXPECT_EQ(refusal(parse_score_update(R"({"game":7})", "7")), "game is not a string");
}

TEST(board_json_input, a_refused_score_update_names_the_field) {
    const auto refused = [](std::string_view body) { return refusal(parse_score_update(body, "hockey")); };
    EXPECT_EQ(refused(R"({"title":1})"), "title is not a string");
    EXPECT_EQ(refused(R"({"status":null})"), "status is not a string");
    EXPECT_THAT(refused(R"({"status":"live"})"), HasSubstr("status 'live' is none of START_LIST, LIVE"));
    EXPECT_EQ(refused(R"({"points":[1,2]})"), "points is not an object of team: number");
    EXPECT_THAT(refused(R"({"points":{"gauls":1,"romans":"2"}})"), HasSubstr("points of romans is not"));
}

TEST(board_json_input, points_are_the_integers_of_32_bits) {
    const auto points = [](const std::string& number) {
        return parse_score_update(R"({"points":{"gauls":)" + number + "}}", "hockey");
    };
    EXPECT_EQ(points("2147483647")->points().at("gauls"), 2147483647);
    EXPECT_EQ(points("-2147483648")->points().at("gauls"), std::numeric_limits<std::int32_t>::min());
    for (const auto* number : {"2147483648", "-2147483649", "9223372036854775808", "18446744073709551616",
                               "1.0", "1e2", "0.5", "true", "null", "\"1\"", "[1]"})
        EXPECT_EQ(refusal(points(number)), "points of gauls is not an integer from -2147483648 to 2147483647")
            << number;
}

TEST(board_json_input, an_increment_is_by_one_unless_it_says_otherwise) {
    const auto one = parse_medal_increment(R"({"team":"gauls","medal":"gold"})");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->team(), "gauls");
    EXPECT_EQ(one->medal(), "gold");
    EXPECT_EQ(one->by(), 1);
    EXPECT_EQ(parse_medal_increment(R"({"team":"gauls","medal":"gold","by":-2})")->by(), -2);
    EXPECT_EQ(refusal(parse_medal_increment(R"({"medal":"gold"})")), "team is missing");
    EXPECT_EQ(refusal(parse_medal_increment(R"({"team":"gauls"})")), "medal is missing");
    EXPECT_THAT(refusal(parse_medal_increment(R"({"team":"gauls","medal":"gold","by":"1"})")),
                HasSubstr("by is not an integer"));
}

TEST(board_json_input, a_tally_may_be_nested_and_what_it_leaves_out_is_zero) {
    for (const auto* body :
         {R"({"medals":{"gold":4294967295,"bronze":2}})", R"({"gold":4294967295,"bronze":2})"}) {
        const auto tally = parse_tally(body, "gauls");
        ASSERT_TRUE(tally) << body;
        EXPECT_EQ(tally->team(), "gauls");
        EXPECT_EQ(tally->gold(), 4294967295u);
        EXPECT_EQ(tally->silver(), 0u);
        EXPECT_EQ(tally->bronze(), 2u);
    }
    EXPECT_EQ(refusal(parse_tally(R"({"medals":3})", "gauls")), "medals is not an object");
    for (const auto* medal : {"gold", "silver", "bronze"})
        for (const auto* number : {"-1", "4294967296", "1.0", "\"1\""})
            EXPECT_EQ(refusal(parse_tally(std::string("{\"") + medal + "\":" + number + "}", "gauls")),
                      std::string(medal) + " is not an integer from 0 to 4294967295")
                << number;
}

TEST(board_json_input, frozen_is_a_boolean_and_a_reason_a_string) {
    EXPECT_TRUE(*parse_frozen(R"({"frozen":true})"));
    EXPECT_FALSE(*parse_frozen(R"({"frozen":false})"));
    for (const auto* body : {"{}", R"({"frozen":1})", R"({"frozen":"true"})", R"({"frozen":null})"})
        EXPECT_EQ(refusal(parse_frozen(body)), "frozen is true or false") << body;
    EXPECT_EQ(*parse_reason(R"({"reason":"wrong team"})"), "wrong team");
    EXPECT_EQ(refusal(parse_reason("{}")), "reason is missing");
    EXPECT_EQ(refusal(parse_reason(R"({"reason":false})")), "reason is not a string");
}

} // namespace
} // namespace stadion::net
