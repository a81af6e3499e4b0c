#include "wire/names.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(names, accept_any_utf8_up_to_the_limit) {
    EXPECT_TRUE(check_name("game", "hockey"));
    EXPECT_TRUE(check_name("game", "Česko–Österreich 2:1 🏒"));
    EXPECT_TRUE(check_name("game", "../a b%/c"));
    EXPECT_TRUE(check_name("game", std::string(128, 'x')));
}

TEST(names, refusals_say_what_is_wrong) {
    EXPECT_EQ(check_name("game", "").error().message, "game is empty");
    EXPECT_EQ(check_name("team", std::string(129, 'x')).error().message,
              "team is 129 bytes long, at most 128 are allowed");
    EXPECT_EQ(check_name("game", "a\nb").error().message, "game holds a control character");
    EXPECT_EQ(check_name("game", "a\x7f").error().message, "game holds a control character");
    EXPECT_EQ(check_name("game", "a\xc2\x85").error().message, "game holds a control character");
    EXPECT_EQ(check_name("game", "\xff").error().message, "game is not valid UTF-8");
}

} // namespace
} // namespace stadion::wire
