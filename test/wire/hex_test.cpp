#include "wire/hex.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(hex, shows_every_byte_and_reads_it_back) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    EXPECT_EQ(to_hex(std::string_view("\x00\x7f\xff", 3)), "007fff");
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
    EXPECT_EQ(from_hex(""), "");
}

TEST(hex, what_is_no_pairs_of_lower_case_digits_is_nothing) {
    for (const char* text : {"0", "0g", "g0", "FF", " 0", "0x00", "00 "})
        EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

} // namespace
} // namespace stadion::wire
