#include "net/http/http_message.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

using text = std::optional<std::string>;

TEST(http_message, decodes_escapes_of_either_case_and_leaves_everything_else) {
    EXPECT_EQ(percent_decode("", false), text(""));
    EXPECT_EQ(percent_decode("a%2Fb%2f|\"", false), text("a/b/|\""));
    EXPECT_EQ(percent_decode("%C3%a4%25", false), text("ä%"));
    EXPECT_EQ(percent_decode("%2500", false), text("%00"));
}

TEST(http_message, a_plus_is_a_space_only_in_queries) {
    EXPECT_EQ(percent_decode("a+b%2B", false), text("a+b+"));
    EXPECT_EQ(percent_decode("a+b%2B", true), text("a b+"));
}

TEST(http_message, malformed_escapes_and_nul_are_refused) {
    for (const auto* wrong : {"%", "%4", "a%", "ab%4", "%zz", "%4g", "%%41", "a%4%41", "%+1", "%00", "a%00b"})
        for (const bool is_query : {false, true})
            EXPECT_EQ(percent_decode(wrong, is_query), std::nullopt) << wrong;
}

TEST(http_message, encodes_what_is_not_unreserved_and_decodes_it_again) {
    EXPECT_EQ(percent_encode("aZ09-_.~"), "aZ09-_.~");
    EXPECT_EQ(percent_encode("a b/ä+"), "a%20b%2F%C3%A4%2B");
    EXPECT_EQ(percent_decode(percent_encode("games/*?&=%+"), true), text("games/*?&=%+"));
}

TEST(http_message, splits_a_query_and_skips_empty_parts) {
    using pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(parse_query("a=1&&b=x=y&c&d=%20"), (pairs{{"a", "1"}, {"b", "x=y"}, {"c", ""}, {"d", " "}}));
    EXPECT_EQ(parse_query(""), pairs());
    EXPECT_EQ(parse_query("a=%4"), std::nullopt);
}

} // namespace
} // namespace stadion::net
