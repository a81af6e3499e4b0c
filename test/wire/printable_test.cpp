#include "wire/printable.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(printable, ordinary_text_stays_as_it_is) {
    EXPECT_EQ(printable("127.0.0.1:7401"), "127.0.0.1:7401");
    EXPECT_EQ(printable("Zürich – 東京 🏅"), "Zürich – 東京 🏅");
}

TEST(printable, nothing_ends_the_line_or_moves_the_cursor) {
    EXPECT_EQ(printable("a\n2026-01-01 error"), "a\\n2026-01-01 error");
    EXPECT_EQ(printable("\r\x1b[2J\x7f"), "\\x0d\\x1b[2J\\x7f");
    EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("\xc2\x85|\xe2\x80\xa8|\xe2\x80\xae|\xef\xbb\xbf"),
              "\\u{85}|\\u{2028}|\\u{202e}|\\u{feff}");
}

TEST(printable, an_escape_is_none_that_was_sent) { EXPECT_EQ(printable("\\n"), "\\\\n"); }

TEST(printable, bytes_that_are_no_utf8_are_shown_as_such) {
    EXPECT_EQ(printable("\xff|\xc3|\xed\xa0\x80"), "\\xff|\\xc3|\\xed\\xa0\\x80");
}

TEST(printable, long_text_is_cut_between_characters) {
    EXPECT_EQ(printable(std::string(1000, 'x'), 3), "xxx... (1000 bytes)");
    EXPECT_EQ(printable("aüü", 2), "a... (5 bytes)");
}

} // namespace
} // namespace stadion::wire
