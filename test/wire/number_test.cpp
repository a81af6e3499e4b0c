#include "wire/number.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace stadion::wire {
namespace {

TEST(number, a_whole_text_is_a_number) {
    EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(parse_number<int>("-7"), -7);
    EXPECT_EQ(parse_number<std::uint16_t>("0"), 0);
}

TEST(number, anything_else_is_none) {
    for (const char* text : {"", " 1", "1 ", "+1", "-1", "1x", "x", "0x1", "65536", "1.0"})
        EXPECT_EQ(parse_number<std::uint16_t>(text), std::nullopt) << text;
}

} // namespace
} // namespace stadion::wire
