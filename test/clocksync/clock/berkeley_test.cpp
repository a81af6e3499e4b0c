#include "clocksync/clock/berkeley.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

constexpr ring_key key = 7;
constexpr std::int64_t start = 1'700'000'000'000'000'000;

clock_correction correction_to(instant at, std::int64_t target, epoch_number epoch = 1,
                               std::uint64_t round = 1) {
    clock_correction c;
    c.epoch = epoch;
    c.round = round;
    c.at = c.measured = at;
    c.target = target;
    c.bound = 10us;
    c.drift_bound = 5e-6;
    c.key = key;
    return c;
}

TEST(berkeley, answers_probes_and_refuses_corrections_of_another_s_clock) {
    berkeley machine({}, {2, 7}, cluster_clock({}, 0s, start), key);
    const clock_reply reply = machine.on_probe(1s, {4, 9, 3, key});
    EXPECT_EQ(reply.epoch, 4u);
    EXPECT_EQ(reply.round, 9u);
    EXPECT_EQ(reply.index, 3u);
    EXPECT_EQ(reply.target, start + 1'000'000'000);
    clock_correction c = correction_to(1s, start, 4);
    c.incarnation = 6;
    machine.on_correction(1s, c);
    EXPECT_FALSE(machine.clock().line().synchronised);
    c.incarnation = 7;
    EXPECT_TRUE(machine.on_correction(1s, c));
    EXPECT_TRUE(machine.clock().line().synchronised);
    c.epoch = 3;
    EXPECT_FALSE(machine.on_correction(1s, c));
}

TEST(berkeley, alone_is_its_own_majority) {
    berkeley machine({}, {1, 1}, cluster_clock({}, 0s, start), key);
    machine.on_view(0s, {1, 1, 1, {{1, 1}}});
    machine.on_leader(0s, 1, 1);
    EXPECT_EQ(machine.clock().line().state_at(0s), clock_state::synchronised);
    EXPECT_NE(machine.deadline(), never);
}

TEST(berkeley, without_a_majority_of_answers_corrects_nobody) {
    berkeley machine({}, {1, 1}, cluster_clock({}, 0s, start), key);
    machine.on_view(0s, {1, 1, 1, {{1, 1}, {2, 2}, {3, 3}}});
    machine.on_leader(0s, 1, 1);
    for (const berkeley_action& action : machine.tick(1s))
        EXPECT_TRUE(std::holds_alternative<send_probe>(action));
    EXPECT_FALSE(machine.clock().line().synchronised);
}

} // namespace
} // namespace stadion::clocksync
