// What the simulated world does not come upon: servers that wait for their place in the ring.
#include "clocksync/election.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

constexpr member leader{1, 1}, self{2, 2};

fleet_view view(std::uint64_t number, server_id leads, std::vector<member> ring) {
    fleet_view shown;
    shown.number = number;
    shown.epoch = 1;
    shown.leader = leads;
    shown.ring = std::move(ring);
    return shown;
}

bool asks(const election_actions& actions) {
    return std::ranges::any_of(
        actions, [](const election_action& one) { return std::holds_alternative<ask_lock>(one); });
}

TEST(election, a_server_outside_the_ring_expects_no_beats) {
    election machine({}, self.id, 1, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    ASSERT_EQ(machine.leader(), leader.id);
    EXPECT_FALSE(asks(machine.tick(10s)));
    EXPECT_FALSE(asks(machine.on_view(10s, view(2, leader.id, {leader, self}))));
    EXPECT_FALSE(asks(machine.tick(10s + 1ms)));
    EXPECT_TRUE(asks(machine.tick(10s + election_settings{}.silence)));
}

TEST(election, a_server_that_has_just_entered_asks_when_the_leader_is_lost) {
    election machine({}, self.id, 1, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    machine.tick(1s);
    machine.on_view(1s, view(2, leader.id, {leader, self}));
    EXPECT_TRUE(asks(machine.on_view(1s + 1ms, view(3, 0, {self}))));
}

TEST(election, a_loss_noticed_outside_the_ring_is_asked_about_inside) {
    election machine({}, self.id, 1, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    EXPECT_FALSE(asks(machine.on_peer_down(1s, leader.id)));
    EXPECT_TRUE(asks(machine.on_view(2s, view(2, leader.id, {leader, self}))));
}

TEST(election, a_refused_suspicion_is_asked_about_again) {
    election machine({}, self.id, 1, 0s);
    machine.on_view(0s, view(1, leader.id, {leader, self}));
    EXPECT_TRUE(asks(machine.on_peer_down(1s, leader.id)));
    machine.on_lock_answer(1s, {false, 1, 0s, 0, leader.id, 0});
    const instant again = machine.deadline();
    EXPECT_LT(again, 2s);
    EXPECT_TRUE(asks(machine.tick(again)));
}

} // namespace
} // namespace stadion::clocksync
