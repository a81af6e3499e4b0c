#include "clocksync/ring/membership.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

TEST(membership, gives_new_processes_new_ids_and_a_new_view_each) {
    membership fleet;
    EXPECT_EQ(fleet.join({}), (member{1, 1}));
    EXPECT_EQ(fleet.join({}), (member{2, 2}));
    EXPECT_EQ(fleet.number(), 2u);
}

TEST(membership, keeps_a_listed_server_where_it_is) {
    membership fleet;
    const member first = fleet.join({});
    fleet.join({});
    EXPECT_EQ(fleet.join(first), first);
    EXPECT_EQ(fleet.number(), 2u);
}

TEST(membership, never_lists_a_dropped_pair_again) {
    membership fleet;
    const member before = fleet.join({});
    EXPECT_TRUE(fleet.drop(before.id));
    const member after = fleet.join(before);
    EXPECT_EQ(after.id, before.id);
    EXPECT_GT(after.incarnation, before.incarnation);
}

TEST(membership, takes_a_restarted_process_with_a_former_id_for_another) {
    membership fleet;
    const member before = fleet.join({});
    const member after = fleet.join({before.id, 0});
    EXPECT_GT(after.incarnation, before.incarnation);
    EXPECT_EQ(fleet.ring(), std::vector{after});
}

TEST(membership, goes_on_from_its_record) {
    membership fleet;
    const member first = fleet.join({});
    fleet.join({});
    fleet.drop(2);
    membership again(fleet.record());
    EXPECT_EQ(again.join(first), first);
    EXPECT_EQ(again.join({}), (member{3, 4}));
}

TEST(membership, does_not_know_whom_it_does_not_list) {
    membership fleet;
    EXPECT_FALSE(fleet.drop(7));
    EXPECT_EQ(fleet.number(), 0u);
}

} // namespace
} // namespace stadion::clocksync
