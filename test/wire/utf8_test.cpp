#include "wire/utf8.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(utf8, is_strict) {
    for (const char* good : {"", "plain", "Łódź 🏆", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
    for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xc3", "\xe2\x82", "\xff"})
        EXPECT_FALSE(is_utf8(bad)) << static_cast<int>(static_cast<unsigned char>(bad[0]));
}

TEST(utf8, control_characters_are_c0_del_and_c1) {
    for (const char* text : {"a\nb", "\x7f", "\xc2\x85"}) EXPECT_TRUE(has_control_characters(text));
    for (const char* text : {"é", "\xc2\xa0", ""}) EXPECT_FALSE(has_control_characters(text));
}

} // namespace
} // namespace stadion::wire
