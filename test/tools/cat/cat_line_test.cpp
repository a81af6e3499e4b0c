#include "tools/cat/cat_line.hpp"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

cat_call call(std::string_view text) {
    auto line = parse_cat_line(text);
    EXPECT_TRUE(line && std::holds_alternative<cat_call>(*line)) << text;
    return line && std::holds_alternative<cat_call>(*line) ? std::get<cat_call>(*line) : cat_call{};
}

TEST(cat_line, a_call_is_a_method_and_json) {
    EXPECT_EQ(call(R"(FrontEnd.QueryScoreByGame {"game": "hockey"})").method, "FrontEnd.QueryScoreByGame");
    EXPECT_EQ(call(R"(FrontEnd.QueryScoreByGame {"game": "hockey"})").json, R"({"game": "hockey"})");
    EXPECT_EQ(call(R"(  Ask{"a":1} )").method, "Ask");
    EXPECT_EQ(call(R"(  Ask{"a":1} )").json, R"({"a":1})");
}

TEST(cat_line, without_json_the_request_is_empty) { EXPECT_EQ(call("ListTeams").json, "{}"); }

TEST(cat_line, a_directive_begins_with_a_backslash) {
    const auto line = parse_cat_line("\\raw  00 01 ");
    ASSERT_TRUE(line && std::holds_alternative<cat_directive>(*line));
    EXPECT_EQ(std::get<cat_directive>(*line).name, "raw");
    EXPECT_EQ(std::get<cat_directive>(*line).argument, "00 01");
}

TEST(cat_line, empty_lines_and_remarks_mean_nothing) {
    for (const auto* text : {"", "  \r", "# a remark"}) {
        const auto line = parse_cat_line(text);
        EXPECT_TRUE(line && std::holds_alternative<cat_nothing>(*line)) << text;
    }
}

TEST(cat_line, what_is_not_an_object_is_refused) {
    for (const auto* text : {"Ask hockey", "Ask [1]", "{\"game\":\"hockey\"}", "\\"})
        EXPECT_FALSE(parse_cat_line(text)) << text;
}

} // namespace
} // namespace stadion::tools
