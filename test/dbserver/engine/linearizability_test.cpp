// The checker of the campaigns must reject impossible histories.
#include "test/support/linearizability.hpp"

#include <gtest/gtest.h>

namespace stadion::test {
namespace {

using kind = table_call::kind;

table_call call(kind what, std::uint64_t begun, std::uint64_t ended, std::uint32_t version,
                std::uint32_t expected = 0, bool applied = true) {
    table_call made;
    made.what = what;
    made.begun = begun;
    made.ended = ended;
    made.version = made.gold = version;
    made.expected = expected;
    made.applied = applied;
    return made;
}

TEST(linearizability, accepts_a_read_of_either_state_while_an_update_runs) {
    EXPECT_TRUE(
        is_linearizable({call(kind::add, 0, 9, 1), call(kind::read, 1, 2, 0), call(kind::read, 3, 4, 1)}));
}

TEST(linearizability, refuses_a_read_that_goes_back) {
    EXPECT_FALSE(
        is_linearizable({call(kind::add, 0, 9, 1), call(kind::read, 1, 2, 1), call(kind::read, 3, 4, 0)}));
}

TEST(linearizability, refuses_a_read_that_misses_what_was_acknowledged) {
    EXPECT_FALSE(is_linearizable({call(kind::add, 0, 1, 1), call(kind::read, 2, 3, 0)}));
}

TEST(linearizability, refuses_the_same_version_given_twice) {
    EXPECT_FALSE(is_linearizable({call(kind::add, 0, 3, 1), call(kind::add, 1, 2, 1)}));
}

TEST(linearizability, refuses_a_conflict_with_a_state_that_nobody_can_read_yet) {
    EXPECT_FALSE(is_linearizable(
        {call(kind::add, 0, 9, 1), call(kind::add_if, 1, 2, 1, 0, false), call(kind::read, 3, 4, 0)}));
    EXPECT_TRUE(is_linearizable(
        {call(kind::add, 0, 9, 1), call(kind::add_if, 1, 2, 1, 0, false), call(kind::read, 3, 4, 1)}));
}

} // namespace
} // namespace stadion::test
