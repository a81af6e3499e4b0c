#include "tools/client/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(words, blanks_separate_and_quotes_keep_together) {
    EXPECT_THAT(*split_words("set hockey gauls 2"), ElementsAre("set", "hockey", "gauls", "2"));
    EXPECT_THAT(*split_words("  game \"2022-11-20 Qatar-Ecuador\"\t"),
                ElementsAre("game", "2022-11-20 Qatar-Ecuador"));
    EXPECT_THAT(*split_words("team 'South Korea'x"), ElementsAre("team", "South Koreax"));
    EXPECT_THAT(*split_words("a ''"), ElementsAre("a", ""));
    EXPECT_THAT(*split_words(" \r"), IsEmpty());
}

TEST(words, a_backslash_takes_the_next_character_as_it_is) {
    EXPECT_THAT(*split_words(R"(a\ b "say \"hi\"" 'c\d')"), ElementsAre("a b", "say \"hi\"", R"(c\d)"));
}

TEST(words, a_quote_must_be_closed) { EXPECT_FALSE(split_words("game \"hockey")); }

} // namespace
} // namespace stadion::tools
