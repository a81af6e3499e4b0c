#include "dispatcher/fleet_ring.hpp"

#include <gtest/gtest.h>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;
using balancer::server_id;
using balancer::server_state;

constexpr auto await_for = 3s;

fleet_ring::servers servers_in(std::initializer_list<std::pair<std::uint32_t, server_state>> states) {
    fleet_ring::servers all;
    for (const auto& [id, state] : states) {
        auto& one = all[server_id{id}];
        one.id = server_id{id};
        one.state = state;
    }
    return all;
}

fleet_ring empty_ring() { return {{}, 0s, await_for}; }

clocksync::membership_record two_servers() { return {7, 2, {{1, 5}, {2, 7}}}; }

TEST(FleetRing, TakesInAServerWhenItIsUpAndKeepsItWhileItDrains) {
    auto ring = empty_ring();
    ring.joined({1, 0});
    EXPECT_FALSE(ring.follow(servers_in({{1, server_state::starting}}), 0s));
    EXPECT_EQ(ring.incarnation_of(1), 0U);
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}}), 0s));
    const auto entered = ring.incarnation_of(1);
    EXPECT_GT(entered, 0U);
    for (const auto state : {server_state::draining, server_state::starting, server_state::up}) {
        EXPECT_FALSE(ring.follow(servers_in({{1, state}}), 0s));
        EXPECT_EQ(ring.incarnation_of(1), entered);
    }
    EXPECT_TRUE(ring.follow({}, 0s));
    EXPECT_EQ(ring.incarnation_of(1), 0U);
}

TEST(FleetRing, WhoWasDroppedComesBackAsAnotherIncarnation) {
    auto ring = empty_ring();
    const auto up = servers_in({{1, server_state::up}});
    ASSERT_TRUE(ring.follow(up, 0s));
    const auto before = ring.incarnation_of(1);
    ASSERT_TRUE(ring.follow({}, 0s));
    ring.joined({1, before});
    EXPECT_TRUE(ring.follow(up, 0s));
    EXPECT_GT(ring.incarnation_of(1), before);
}

TEST(FleetRing, AnotherProcessUnderTheSameIdIsAnotherIncarnation) {
    auto ring = empty_ring();
    const auto up = servers_in({{1, server_state::up}});
    ASSERT_TRUE(ring.follow(up, 0s));
    const auto before = ring.incarnation_of(1);
    ring.joined({1, 0});
    EXPECT_TRUE(ring.follow(up, 0s));
    EXPECT_GT(ring.incarnation_of(1), before);
}

TEST(FleetRing, AfterARestartWaitsForTheServersOfBefore) {
    fleet_ring ring(two_servers(), 0s, await_for);
    EXPECT_TRUE(ring.is_pending());
    ring.joined({1, 5});
    EXPECT_FALSE(ring.follow(servers_in({{1, server_state::starting}}), 1s));
    EXPECT_TRUE(ring.is_pending());
    ring.joined({2, 7});
    EXPECT_FALSE(ring.follow(servers_in({{1, server_state::up}, {2, server_state::up}}), 1s));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.record(), two_servers());
}

TEST(FleetRing, AfterARestartGivesUpWhoDoesNotComeBack) {
    fleet_ring ring(two_servers(), 0s, await_for);
    ring.joined({1, 5});
    const auto one = servers_in({{1, server_state::up}});
    EXPECT_FALSE(ring.follow(one, await_for - 1ms));
    EXPECT_TRUE(ring.follow(one, await_for));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.incarnation_of(1), 5U);
    EXPECT_EQ(ring.incarnation_of(2), 0U);
}

TEST(FleetRing, AfterARestartGivesUpAtOnceWhomOthersFindSilent) {
    fleet_ring ring(two_servers(), 0s, await_for);
    ring.joined({1, 5});
    ring.silenced(2);
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}}), 1s));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.record().ring, (std::vector<clocksync::member>{{1, 5}}));
}

} // namespace
} // namespace stadion::dispatcher
