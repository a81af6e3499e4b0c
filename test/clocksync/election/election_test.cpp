// What the simulated world does not come upon: servers that wait for their place in the ring.
#include "clocksync/election/election.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

constexpr ring_member leader{1, 1}, self{2, 2}, third{3, 3};
constexpr ring_key key = 7;
constexpr election_settings usual{};

fleet_view view(std::uint64_t number, server_id leads, std::vector<ring_member> ring) {
    fleet_view shown;
    shown.number = number;
    shown.epoch = 1;
    shown.leader = leads;
    shown.ring = std::move(ring);
    return shown;
}

template <typename Action>
const Action* find(const election_actions& actions) {
    for (const election_action& one : actions)
        if (const auto* found = std::get_if<Action>(&one)) return found;
    return nullptr;
}

// Ticks on time for so long; the last actions.
election_actions pass_time(election& machine, instant from, duration length) {
    election_actions last;
    while (machine.deadline() <= from + length) last = machine.tick(machine.deadline());
    return last;
}

// Until the leader was asked and has not answered.
election_actions fall_silent(election& machine, instant from) {
    return pass_time(machine, from, usual.silence + usual.answer_within);
}

bool asks(const election_actions& actions) {
    return std::ranges::any_of(
        actions, [](const election_action& one) { return std::holds_alternative<ask_lock>(one); });
}

TEST(election, a_server_outside_the_ring_expects_no_beats) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    ASSERT_EQ(machine.leader(), leader.id);
    EXPECT_FALSE(asks(machine.tick(10s)));
    EXPECT_FALSE(asks(machine.on_view(10s, view(2, leader.id, {leader, self}))));
    EXPECT_FALSE(asks(machine.tick(10s + 1ms)));
    EXPECT_TRUE(asks(fall_silent(machine, 10s)));
}

TEST(election, a_server_that_has_just_entered_asks_when_the_leader_is_lost) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    machine.tick(1s);
    machine.on_view(1s, view(2, leader.id, {leader, self}));
    EXPECT_TRUE(asks(machine.on_view(1s + 1ms, view(3, 0, {self}))));
}

TEST(election, a_loss_noticed_outside_the_ring_is_asked_about_inside) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, leader.id, {leader}));
    EXPECT_FALSE(asks(machine.on_peer_down(1s, leader.id)));
    EXPECT_TRUE(asks(machine.on_view(2s, view(2, leader.id, {leader, self}))));
}

TEST(election, a_refused_suspicion_is_asked_about_again) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, leader.id, {leader, self}));
    EXPECT_TRUE(asks(machine.on_peer_down(1s, leader.id)));
    machine.on_lock_answer(1s, {false, 1, 0s, 0, leader.id, 0});
    const instant again = machine.deadline();
    EXPECT_LT(again, 2s);
    EXPECT_TRUE(asks(machine.tick(again)));
}

// ---- messages from outside the ring, and from members that are mistaken

class follower : public testing::Test {
protected:
    follower() {
        machine_.on_view(0s, view(1, leader.id, {leader, self, third}));
        EXPECT_EQ(machine_.leader(), leader.id);
    }
    coordinator_message says(epoch_number epoch, server_id leads, ring_key shown) {
        return {epoch, leads, false, 1, shown};
    }
    void expect_unmoved() {
        EXPECT_EQ(machine_.epoch(), 1u);
        EXPECT_EQ(machine_.leader(), leader.id);
    }

    election machine_{usual, self.id, 1, key, 0s};
};

TEST_F(follower, refuses_a_stranger_and_names_what_was_granted) {
    for (const epoch_number epoch : {epoch_number{0}, epoch_number{1}, epoch_number{2}, ~epoch_number{0}})
        for (const server_id id : {0U, 1U, 2U, 3U, 99U}) {
            if (epoch == 1 && id == leader.id) continue;
            for (const ring_key shown : {ring_key{0}, key + 1}) {
                const auto out = machine_.on_coordinator(1ms, 0, says(epoch, id, shown));
                ASSERT_EQ(out.size(), 1u);
                const auto* refused = find<refuse>(out);
                ASSERT_NE(refused, nullptr);
                EXPECT_EQ(refused->epoch, 1u);
                EXPECT_EQ(refused->leader, leader.id);
                pass_election pass{epoch, id, id, 1e300, {1, 2, 3}, 0, shown};
                EXPECT_NE(find<refuse>(machine_.on_pass(1ms, 0, pass)), nullptr);
                expect_unmoved();
            }
        }
    EXPECT_TRUE(machine_.on_coordinator(1ms, 0, says(1, leader.id, 0)).empty()) << "true, and known already";
}

TEST_F(follower, without_a_key_of_its_own_believes_nobody) {
    election fresh(usual, self.id, 1, 0, 0s);
    fresh.on_view(0s, view(1, 0, {leader, self, third}));
    EXPECT_NE(find<refuse>(fresh.on_coordinator(1ms, 3, says(1, third.id, 0))), nullptr);
    EXPECT_EQ(fresh.leader(), 0u);
}

TEST_F(follower, takes_an_epoch_from_the_dispatcher_only) {
    EXPECT_TRUE(machine_.on_coordinator(1ms, third.id, says(1'000'000, 99, key)).empty());
    EXPECT_TRUE(machine_.on_pass(1ms, third.id, {1'000'000, 3, 3, 1, {3}, 0, key}).empty());
    expect_unmoved();
}

TEST_F(follower, a_message_that_comes_before_the_view_waits_for_it) {
    EXPECT_TRUE(machine_.on_pass(1ms, third.id, {2, third.id, third.id, 1, {3}, 0, key}).empty());
    fleet_view next = view(2, 0, {leader, self, third});
    next.epoch = 2;
    EXPECT_NE(find<send_pass>(machine_.on_view(2ms, next)), nullptr);
    EXPECT_TRUE(machine_.on_coordinator(3ms, third.id, says(3, third.id, key)).empty());
    EXPECT_EQ(machine_.leader(), 0u);
    next.epoch = 3;
    next.number = 3;
    machine_.on_view(4ms, next);
    EXPECT_EQ(machine_.leader(), third.id);
}

TEST_F(follower, refuses_whom_the_dispatcher_has_not_named) {
    EXPECT_NE(find<refuse>(machine_.on_coordinator(1ms, third.id, says(1, third.id, key))), nullptr);
    expect_unmoved();
}

TEST_F(follower, what_got_in_is_mended_by_the_view_and_without_one_by_asking_within_a_lease) {
    for (const bool by_view : {true, false}) {
        election machine(usual, self.id, 1, key, 0s);
        machine.on_view(0s, view(1, 0, {leader, self, third}));
        machine.on_lock_answer(0s, {false, 1, 0s, 0, 0, 0});
        machine.on_coordinator(1ms, third.id, says(1, third.id, key)); // nobody is named yet, so it counts
        ASSERT_EQ(machine.leader(), third.id);
        if (by_view) {
            machine.on_view(2ms, view(2, leader.id, {leader, self, third}));
        } else {
            bool asked = false;
            while (machine.deadline() <= 1ms + usual.lease) {
                const instant due = machine.deadline();
                asked |= asks(machine.tick(due));
                machine.on_coordinator(due, third.id, {1, third.id, true, 1, key});
            }
            ASSERT_TRUE(asked);
            machine.on_lock_answer(1ms + usual.lease, {false, 1, 0s, 0, leader.id, 0});
        }
        EXPECT_EQ(machine.leader(), leader.id);
    }
}

TEST_F(follower, a_leader_that_is_not_confirmed_says_again_that_it_leads) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, 0, {leader, self, third}));
    machine.on_lock_answer(0s, {false, 1, 0s, 0, 0, 0});
    machine.on_pass(1ms, third.id, {1, third.id, third.id, 0, {3}, 0, key});
    machine.on_coordinator(1ms, third.id, says(1, self.id, key));
    ASSERT_TRUE(machine.leads());
    unsigned told = 0;
    while (machine.deadline() <= 1ms + 3 * usual.lease)
        told += find<release_lock>(machine.tick(machine.deadline())) != nullptr;
    EXPECT_GE(told, 2u);
    machine.on_view(2s, view(2, self.id, {leader, self, third}));
    EXPECT_EQ(find<release_lock>(pass_time(machine, 2s, 3 * usual.lease)), nullptr);
}

// ---- silence

TEST_F(follower, asks_a_silent_leader_before_it_complains) {
    const auto asked = pass_time(machine_, 0s, usual.silence);
    ASSERT_NE(find<ask_leader>(asked), nullptr);
    EXPECT_FALSE(asks(asked));
    EXPECT_TRUE(asks(pass_time(machine_, usual.silence, usual.answer_within)));
}

TEST_F(follower, a_leader_that_answers_is_not_gone) {
    for (instant now = 0s; now < 3s; now += usual.silence + usual.answer_within / 2) {
        EXPECT_FALSE(asks(pass_time(machine_, now, usual.silence + usual.answer_within / 2)));
        machine_.on_answer(now + usual.silence + usual.answer_within / 2, leader.id);
    }
    expect_unmoved();
}

TEST_F(follower, does_not_take_its_own_lateness_for_silence) {
    election_settings only_beats;
    only_beats.evaluate_every = 24h;
    election machine(only_beats, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, leader.id, {leader, self, third}));
    instant now = 0s;
    for (int turn = 0; turn < 20; ++turn) { // never on time, and beats wait unread behind the timer
        for (const duration late : {150ms, 5'000ms, 150ms}) {
            const auto out = machine.tick(now = machine.deadline() + late);
            EXPECT_FALSE(asks(out));
            EXPECT_EQ(find<ask_leader>(out), nullptr);
        }
        machine.on_coordinator(now, leader.id, {1, leader.id, true, 1, key});
    }
    EXPECT_TRUE(asks(fall_silent(machine, now))) << "on time again, it hears nothing";
}

TEST_F(follower, only_a_leader_answers_whether_it_leads) {
    const coordinator_message question{1, self.id, true, 0, key};
    EXPECT_NE(find<refuse>(machine_.on_coordinator(1ms, third.id, question)), nullptr);
    machine_.on_view(2ms, view(2, self.id, {leader, self, third}));
    EXPECT_FALSE(machine_.leads()) << "it has taken part in no election";
}

TEST_F(follower, a_leader_answers_whether_it_leads) {
    election machine(usual, self.id, 1, key, 0s);
    machine.on_view(0s, view(1, 0, {leader, self, third}));
    machine.on_pass(1ms, third.id, {1, third.id, third.id, 0, {3}, 0, key});
    machine.on_view(2ms, view(2, self.id, {leader, self, third}));
    ASSERT_TRUE(machine.leads());
    EXPECT_TRUE(machine.on_coordinator(3ms, third.id, {1, self.id, true, 0, key}).empty());
}

} // namespace
} // namespace stadion::clocksync
