#include "frontend/numbered_writes.hpp"

#include <gtest/gtest.h>

namespace stadion::frontend {
namespace {

TEST(numbered_writes, are_numbered_from_one_and_confirmed_in_order_however_they_end) {
    numbered_writes writes;
    EXPECT_EQ(writes.lowest_open(), 1u);
    for (std::uint64_t number = 1; number <= 4; ++number) EXPECT_EQ(writes.next(), number);
    writes.end(2);
    EXPECT_EQ(writes.lowest_open(), 1u);
    writes.end(1);
    EXPECT_EQ(writes.lowest_open(), 3u);
    writes.end(1); // again, and one that was never given
    writes.end(99);
    EXPECT_EQ(writes.lowest_open(), 3u);
    writes.end(4);
    writes.end(3);
    EXPECT_EQ(writes.lowest_open(), 5u);
    EXPECT_EQ(writes.next(), 5u);
}

TEST(numbered_writes, wait_for_the_lowest_open_one_when_the_window_is_full) {
    numbered_writes writes;
    for (std::uint64_t i = 0; i < numbered_writes::window; ++i) EXPECT_TRUE(writes.next());
    EXPECT_FALSE(writes.next());
    writes.end(2);
    EXPECT_FALSE(writes.next());
    writes.end(1);
    EXPECT_EQ(writes.next(), numbered_writes::window + 1);
}

} // namespace
} // namespace stadion::frontend
