#include "clocksync/election/election_lock.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

const std::vector<ring_member> ring{{1, 1}, {2, 2}, {3, 3}, {4, 4}};

election_lock fresh(lock_record from = {}) {
    election_lock lock({}, from, 0s);
    lock.set_members(0s, ring);
    return lock;
}

election_lock led_by(server_id leader) {
    election_lock lock = fresh();
    const auto granted = lock.ask(0s, 2, election_reason::periodic);
    lock.release(0s, 2, granted.answer.epoch, leader);
    return lock;
}

TEST(election_lock, grants_a_new_epoch_and_says_what_to_persist) {
    election_lock lock = fresh({41, 0});
    const lock_decision decision = lock.ask(1s, 2, election_reason::periodic);
    EXPECT_TRUE(decision.answer.granted);
    EXPECT_EQ(decision.answer.epoch, 42u);
    EXPECT_EQ(decision.persist, (lock_record{42, 0}));
}

TEST(election_lock, refuses_others_during_the_lease_and_names_the_holder) {
    election_lock lock = fresh();
    lock.ask(1s, 2, election_reason::periodic);
    const lock_decision refused = lock.ask(1s, 3, election_reason::periodic);
    EXPECT_FALSE(refused.answer.granted);
    EXPECT_FALSE(refused.persist);
    EXPECT_EQ(refused.answer.holder, 2u);
    EXPECT_TRUE(lock.ask(1s + 600ms, 3, election_reason::periodic).answer.granted);
}

TEST(election_lock, refuses_a_server_that_is_not_in_the_view) {
    election_lock lock = fresh();
    EXPECT_FALSE(lock.ask(0s, 9, election_reason::periodic).answer.granted);
}

TEST(election_lock, refuses_while_the_leader_is_healthy_and_names_it) {
    election_lock lock = led_by(1);
    for (const auto reason :
         {election_reason::periodic, election_reason::requested, election_reason::challenge}) {
        const lock_decision refused = lock.ask(1s, 3, reason);
        EXPECT_FALSE(refused.answer.granted) << to_string(reason);
        EXPECT_EQ(refused.answer.leader, 1u);
    }
}

TEST(election_lock, grants_a_challenger_after_the_tenure) {
    election_lock lock = led_by(1);
    EXPECT_FALSE(lock.ask(29s, 3, election_reason::challenge).answer.granted);
    EXPECT_TRUE(lock.ask(30s, 3, election_reason::challenge).answer.granted);
}

TEST(election_lock, takes_the_leader_for_failed_when_a_majority_of_the_others_complains) {
    election_lock lock = led_by(1);
    EXPECT_FALSE(lock.ask(1s, 2, election_reason::leader_silent).answer.granted);
    EXPECT_FALSE(lock.ask(1s, 2, election_reason::leader_silent).answer.granted); // the same one again
    const lock_decision decision = lock.ask(1s, 3, election_reason::leader_silent);
    EXPECT_TRUE(decision.answer.granted);
    EXPECT_EQ(decision.answer.penalised, 1u);
}

TEST(election_lock, somebody_else_in_a_server_s_name_neither_complains_nor_names_a_leader) {
    election_lock lock = led_by(1);
    for (const server_id id : {2u, 3u, 4u})
        EXPECT_FALSE(lock.ask(1s, id, election_reason::leader_silent, false).answer.granted);
    lock.set_members(2s, {{2, 2}, {3, 3}, {4, 4}});
    const auto granted = lock.ask(2s, 2, election_reason::leader_lost);
    ASSERT_TRUE(granted.answer.granted);
    EXPECT_FALSE(lock.release(2s, 3, granted.answer.epoch, 3, false));
    EXPECT_FALSE(lock.ask(2s + 501ms, 4, election_reason::periodic, true).answer.granted == false);
    EXPECT_EQ(lock.record().leader, 0u);
}

TEST(election_lock, grants_somebody_else_nothing_while_servers_ask_for_themselves) {
    election_lock lock = fresh();
    EXPECT_FALSE(lock.ask(1s, 9, election_reason::periodic).answer.granted); // not in the ring yet
    EXPECT_FALSE(lock.ask(1s + 100ms, 2, election_reason::periodic, false).answer.granted);
    EXPECT_TRUE(lock.ask(3s, 2, election_reason::periodic, false).answer.granted);
}

TEST(election_lock, hears_no_complaint_that_was_made_while_the_dispatcher_was_stopped) {
    election_lock lock = led_by(1);
    lock.note_pause(20s);
    for (const server_id id : {2u, 3u, 4u})
        EXPECT_FALSE(lock.ask(20s + 1ms, id, election_reason::leader_silent).answer.granted);
    EXPECT_FALSE(lock.ask(20s + 401ms, 2, election_reason::leader_silent).answer.granted);
    EXPECT_TRUE(lock.ask(20s + 410ms, 3, election_reason::leader_silent).answer.granted)
        << "they say so again";
}

TEST(election_lock, forgets_complaints_after_the_window) {
    election_lock lock = led_by(1);
    lock.ask(1s, 2, election_reason::leader_silent);
    EXPECT_FALSE(lock.ask(2s, 3, election_reason::leader_silent).answer.granted);
}

TEST(election_lock, grants_at_once_when_the_dispatcher_lost_the_leader) {
    election_lock lock = led_by(1);
    lock.set_members(1s, {{2, 2}, {3, 3}, {4, 4}});
    EXPECT_TRUE(lock.ask(1s, 3, election_reason::leader_lost).answer.granted);
}

TEST(election_lock, notices_a_leader_that_left_or_came_back_as_another_process) {
    election_lock lock = led_by(1);
    EXPECT_EQ(lock.set_members(1s, {{2, 2}, {3, 3}}), (lock_record{1, 0}));
    lock = led_by(1);
    EXPECT_EQ(lock.set_members(1s, {{2, 2}, {1, 9}}), (lock_record{1, 0}));
    EXPECT_EQ(lock.ask(1s, 2, election_reason::periodic).answer.penalised, 1u);
}

TEST(election_lock, ignores_a_release_of_a_former_epoch) {
    election_lock lock = led_by(1);
    lock.set_members(1s, {{2, 2}, {3, 3}, {4, 4}});
    lock.ask(1s, 3, election_reason::leader_lost);
    EXPECT_FALSE(lock.release(1s, 2, 1, 2));
    EXPECT_EQ(lock.holder(1s), 3u);
    EXPECT_EQ(lock.release(1s, 3, 2, 4), (lock_record{2, 4}));
}

TEST(election_lock, believes_the_new_leader_when_the_initiator_died_before_telling) {
    election_lock lock = fresh();
    lock.ask(0s, 2, election_reason::periodic);
    EXPECT_EQ(lock.release(0s, 4, 1, 4), (lock_record{1, 4}));
}

TEST(election_lock, goes_on_from_what_it_persisted) {
    election_lock lock = fresh({7, 3});
    EXPECT_FALSE(lock.ask(0s, 2, election_reason::periodic).answer.granted);
    lock.set_members(0s, {{1, 1}, {2, 2}, {4, 4}});
    EXPECT_EQ(lock.ask(0s, 2, election_reason::periodic).answer.epoch, 8u);
}

TEST(election_lock, needs_one_write_for_the_elections_that_follow_a_lost_leader) {
    const lock_record led{5, 3};
    const lock_record lost = to_persist(led, {5, 0});
    EXPECT_EQ(lost.leader, 0u);
    EXPECT_EQ(to_persist(lost, {6, 0}), lost);
    EXPECT_EQ(to_persist(lost, {7, 0}), lost);
    EXPECT_EQ(to_persist(lost, {7, 4}), (lock_record{7, 4})); // exact again: a leader stays one
}

TEST(election_lock, never_grants_what_is_higher_than_remembered) {
    lock_record disk{5, 3};
    for (epoch_number epoch = 5; epoch < 40; ++epoch) {
        disk = to_persist(disk, {epoch, 0});
        EXPECT_GE(disk.epoch, epoch);
    }
}

TEST(election_reason, names_survive_the_wire) {
    for (const auto reason :
         {election_reason::periodic, election_reason::leader_lost, election_reason::leader_silent,
          election_reason::challenge, election_reason::requested})
        EXPECT_EQ(election_reason_from(to_string(reason)), reason);
    EXPECT_EQ(election_reason_from("because"), election_reason::requested);
}

} // namespace
} // namespace stadion::clocksync
