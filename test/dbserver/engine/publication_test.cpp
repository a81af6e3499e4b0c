#include "dbserver/engine/publication.hpp"

#include <gtest/gtest.h>

namespace stadion::dbserver {
namespace {

event update(std::uint64_t sequence, int points) {
    v1::Score score;
    score.set_game("hockey");
    for (int i = 0; i < points; ++i) (*score.mutable_points())[std::to_string(i)] = i;
    event made;
    made.sequence = sequence;
    made.state = std::make_shared<const state>(table_value(std::move(score)));
    return made;
}

TEST(publication, holds_the_newest_events_and_knows_which_are_gone) {
    publication held(3);
    for (std::uint64_t n = 1; n <= 5; ++n) {
        const auto one = update(n, 2);
        held.retain({&one, 1});
    }
    EXPECT_FALSE(held.since(1, 10));
    ASSERT_TRUE(held.since(2, 10));
    EXPECT_EQ(held.since(2, 10)->size(), 3u);
    EXPECT_FALSE(held.find(2));
    EXPECT_TRUE(held.find(3));
}

TEST(publication, large_states_leave_room_for_fewer) {
    publication held(1000, 1 << 20);
    for (std::uint64_t n = 1; n <= 200; ++n) {
        const auto one = update(n, 500);
        held.retain({&one, 1});
    }
    EXPECT_FALSE(held.since(100, 1000));
    ASSERT_TRUE(held.since(198, 1000));
    EXPECT_EQ(held.since(198, 1000)->size(), 2u);
    const auto enormous = update(201, 50'000); // one is always held
    held.retain({&enormous, 1});
    ASSERT_TRUE(held.since(200, 10));
    EXPECT_EQ(held.since(200, 10)->size(), 1u);
}

} // namespace
} // namespace stadion::dbserver
