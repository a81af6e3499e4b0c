#include "wire/position.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(position, is_written_as_board_and_sequence_and_read_back) {
    const position where{18'446'744'073'709'551'615u, 42};
    EXPECT_EQ(to_text(where), "18446744073709551615-42");
    EXPECT_EQ(parse_position(to_text(where)), where);
}

TEST(position, a_bare_sequence_is_of_any_board) {
    const auto where = parse_position("42");
    EXPECT_EQ(where, (position{0, 42}));
    EXPECT_TRUE(where->is_of(7));
    EXPECT_FALSE((position{8, 42}.is_of(7)));
}

TEST(position, anything_else_is_none) {
    for (const auto* text :
         {"", "-", "4-", "-4", "a-4", "4-a", "4-5-6", " 4", "+4", "18446744073709551616", "0x4"})
        EXPECT_FALSE(parse_position(text)) << text;
}

} // namespace
} // namespace stadion::wire
