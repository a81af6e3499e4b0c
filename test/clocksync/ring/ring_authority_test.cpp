#include "clocksync/ring/ring_authority.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

TEST(ring_authority, gives_new_processes_new_ids_and_a_new_view_each) {
    ring_authority fleet;
    EXPECT_EQ(fleet.join({}), (ring_member{1, 1}));
    EXPECT_EQ(fleet.join({}), (ring_member{2, 2}));
    EXPECT_EQ(fleet.number(), 2u);
}

TEST(ring_authority, keeps_a_listed_server_where_it_is) {
    ring_authority fleet;
    const ring_member first = fleet.join({});
    fleet.join({});
    EXPECT_EQ(fleet.join(first), first);
    EXPECT_EQ(fleet.number(), 2u);
}

TEST(ring_authority, never_lists_a_dropped_pair_again) {
    ring_authority fleet;
    const ring_member before = fleet.join({});
    EXPECT_TRUE(fleet.drop(before.id));
    const ring_member after = fleet.join(before);
    EXPECT_EQ(after.id, before.id);
    EXPECT_GT(after.incarnation, before.incarnation);
}

TEST(ring_authority, takes_a_restarted_process_with_a_former_id_for_another) {
    ring_authority fleet;
    const ring_member before = fleet.join({});
    const ring_member after = fleet.join({before.id, 0});
    EXPECT_GT(after.incarnation, before.incarnation);
    EXPECT_EQ(fleet.ring(), std::vector{after});
}

TEST(ring_authority, goes_on_from_its_record) {
    ring_authority fleet;
    const ring_member first = fleet.join({});
    fleet.join({});
    fleet.drop(2);
    ring_authority again(fleet.record());
    EXPECT_EQ(again.join(first), first);
    EXPECT_EQ(again.join({}), (ring_member{3, 4}));
}

TEST(ring_authority, does_not_know_whom_it_does_not_list) {
    ring_authority fleet;
    EXPECT_FALSE(fleet.drop(7));
    EXPECT_EQ(fleet.number(), 0u);
}

} // namespace
} // namespace stadion::clocksync
