#include "dispatcher/core/fleet_ring.hpp"

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

constexpr fleet_ring_settings usual{await_for, 1s};

fleet_ring empty_ring() { return {{}, 0s, usual}; }

clocksync::ring_record two_servers() { return {7, 2, {{1, 5}, {2, 7}}}; }

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
    ring.given_up(1);
    EXPECT_TRUE(ring.follow({}, 0s));
    EXPECT_EQ(ring.incarnation_of(1), 0U);
}

TEST(FleetRing, WhoWasDroppedComesBackAsAnotherIncarnation) {
    auto ring = empty_ring();
    const auto up = servers_in({{1, server_state::up}, {2, server_state::up}});
    ASSERT_TRUE(ring.follow(up, 0s));
    const auto before = ring.incarnation_of(1);
    ASSERT_TRUE(ring.follow(servers_in({{2, server_state::up}}), 0s));
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
    fleet_ring ring(two_servers(), 0s, usual);
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
    fleet_ring ring(two_servers(), 0s, usual);
    ring.joined({1, 5});
    const auto one = servers_in({{1, server_state::up}});
    EXPECT_FALSE(ring.follow(one, await_for - 1ms));
    EXPECT_TRUE(ring.follow(one, await_for));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.incarnation_of(1), 5U);
    EXPECT_EQ(ring.incarnation_of(2), 0U);
}

TEST(FleetRing, AfterARestartGivesUpAtOnceWhomOthersFindSilent) {
    fleet_ring ring(two_servers(), 0s, usual);
    ring.joined({1, 5});
    ring.given_up(2);
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}}), 1s));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.record().ring, (std::vector<clocksync::ring_member>{{1, 5}}));
}

// Of a ring with servers 1 to 3, all up at 0 s, that has run until 1 s.
fleet_ring running_ring() {
    fleet_ring ring(two_servers(), 0s, usual);
    ring.joined({1, 5});
    ring.joined({2, 7});
    (void)ring.follow(servers_in({{1, server_state::up}, {2, server_state::up}, {3, server_state::up}}), 0s);
    for (auto now = 0ms; now <= 1s; now += 250ms) EXPECT_FALSE(ring.check_pause(now));
    return ring;
}

TEST(FleetRing, WhoeverIsLostWhileTheDispatcherIsStoppedKeepsItsPlace) {
    auto ring = running_ring();
    const auto before = ring.record();
    EXPECT_TRUE(ring.check_pause(14s));
    // It finds closed connections first, one by one, and some come back between them.
    EXPECT_FALSE(ring.follow(servers_in({{2, server_state::up}, {3, server_state::up}}), 14s));
    EXPECT_FALSE(ring.follow(servers_in({{3, server_state::up}}), 14s));
    ring.joined({1, 5});
    EXPECT_FALSE(ring.follow(servers_in({{1, server_state::starting}}), 14s));
    EXPECT_TRUE(ring.is_pending());
    ring.joined({2, 7});
    ring.joined({3, ring.incarnation_of(3)});
    const auto all = servers_in({{1, server_state::up}, {2, server_state::up}, {3, server_state::up}});
    EXPECT_FALSE(ring.follow(all, 15s));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.record(), before);
}

TEST(FleetRing, AfterAStopGivesUpWhoDoesNotComeBackAndThenJudgesAsBefore) {
    auto ring = running_ring();
    EXPECT_TRUE(ring.check_pause(14s));
    const auto two = servers_in({{1, server_state::up}, {2, server_state::up}});
    EXPECT_FALSE(ring.follow(two, 14s));
    EXPECT_TRUE(ring.follow(two, 14s + await_for));
    EXPECT_EQ(ring.incarnation_of(3), 0U);
    EXPECT_FALSE(ring.check_pause(14s + 500ms));
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}}), 14s + await_for)) << "at once, as ever";
}

TEST(FleetRing, NeverLosesTheLastOfItWhileSomebodyMayComeBack) {
    auto ring = running_ring();
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}}), 1s));
    EXPECT_FALSE(ring.follow({}, 1s)) << "no connection is left: more likely our fault than theirs";
    EXPECT_TRUE(ring.is_pending());
    for (auto now = 1s; now < 1h; now += 1s) EXPECT_FALSE(ring.follow({}, now));
    EXPECT_EQ(ring.incarnation_of(1), 5U);
    // A newcomer alone: the last one gets its time to come back, and not more.
    ring.joined({9, 0});
    const auto newcomer = servers_in({{9, server_state::starting}});
    EXPECT_FALSE(ring.follow(newcomer, 1h));
    EXPECT_EQ(ring.incarnation_of(1), 5U);
    EXPECT_TRUE(ring.follow(newcomer, 1h + await_for));
    EXPECT_FALSE(ring.is_pending());
    EXPECT_EQ(ring.incarnation_of(1), 0U);
}

TEST(FleetRing, WhoSaysGoodbyeIsNotAwaited) {
    auto ring = running_ring();
    EXPECT_TRUE(ring.check_pause(14s));
    ring.given_up(3);
    EXPECT_TRUE(ring.follow(servers_in({{1, server_state::up}, {2, server_state::up}}), 14s));
    EXPECT_FALSE(ring.is_pending());
}

} // namespace
} // namespace stadion::dispatcher
