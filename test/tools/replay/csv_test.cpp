#include "tools/replay/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<csv_row> rows_of(std::string_view text) {
    auto rows = parse_csv(text);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? std::move(*rows) : std::vector<csv_row>();
}

TEST(csv, lines_end_with_or_without_carriage_return) {
    for (const auto* text : {"a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\n1,2",
                             "\xef\xbb\xbf"
                             "a,b\r\n1,2"}) {
        const auto rows = rows_of(text);
        ASSERT_EQ(rows.size(), 2u) << text;
        EXPECT_THAT(rows[0].fields, ElementsAre("a", "b"));
        EXPECT_THAT(rows[1].fields, ElementsAre("1", "2"));
    }
}

TEST(csv, quoted_fields_hold_commas_quotes_and_line_breaks) {
    const auto rows = rows_of("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\nnext,,\n");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_THAT(rows[0].fields, ElementsAre("a,b", "say \"hi\"", "two\nlines"));
    EXPECT_THAT(rows[1].fields, ElementsAre("next", "", ""));
    EXPECT_EQ(rows[1].line, 3u);
}

TEST(csv, empty_lines_are_left_out_but_counted) {
    const auto rows = rows_of("a\n\n\r\nb\n");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[1].line, 4u);
}

TEST(csv, a_carriage_return_inside_a_field_stays) { EXPECT_EQ(rows_of("a\rb,c\n")[0].fields[0], "a\rb"); }

TEST(csv, what_is_wrong_is_named_by_its_line) {
    auto rows = parse_csv("a\n\"b\n");
    ASSERT_FALSE(rows);
    EXPECT_THAT(rows.error().message, HasSubstr("line 2"));
    rows = parse_csv("a\n\"b\"c\n");
    ASSERT_FALSE(rows);
    EXPECT_THAT(rows.error().message, HasSubstr("line 2"));
}

} // namespace
} // namespace stadion::tools
