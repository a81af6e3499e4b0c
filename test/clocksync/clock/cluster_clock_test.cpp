#include "clocksync/clock/cluster_clock.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

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
    return c;
}

TEST(cluster_clock, starts_at_the_system_time_and_says_that_it_was_never_corrected) {
    const cluster_clock clock({}, 5s, start);
    EXPECT_EQ(clock.line().reading_at(6s), start + 1'000'000'000);
    EXPECT_EQ(clock.line().state_at(6s), clock_state::unsynchronised);
}

TEST(cluster_clock, steps_before_its_first_service_only) {
    cluster_clock clock({}, 0s, start);
    EXPECT_TRUE(clock.correct(1s, correction_to(1s, start)));
    EXPECT_EQ(clock.line().reading_at(1s), start);
    clock.begin_service();
    EXPECT_TRUE(clock.correct(1s, correction_to(1s, start - 1'000'000, 1, 2)));
    EXPECT_EQ(clock.line().reading_at(1s), start);
}

TEST(cluster_clock, slews_by_500_ppm_and_never_falls) {
    cluster_clock clock({}, 0s, start);
    clock.begin_service();
    ASSERT_TRUE(clock.correct(0s, correction_to(0s, start - 1'000'000)));
    std::int64_t last = start;
    for (instant t = 0s; t < 4s; t += 1ms) {
        const std::int64_t reading = clock.line().reading_at(t);
        EXPECT_GE(reading, last);
        last = reading;
    }
    EXPECT_EQ(clock.line().reading_at(1s), start + 1'000'000'000 - 500'000);
    EXPECT_EQ(clock.line().still_ahead_at(1s), 500'000);
    EXPECT_EQ(clock.line().still_ahead_at(3s), 0);
}

TEST(cluster_clock, bounds_its_error_by_measurement_slewing_and_age) {
    cluster_clock clock({}, 0s, start);
    clock.begin_service();
    ASSERT_TRUE(clock.correct(0s, correction_to(0s, start - 1'000'000)));
    EXPECT_EQ(clock.line().error_at(0s), 1010us);
    EXPECT_EQ(clock.line().error_at(1s), 10us + 500us + 5us);
    EXPECT_NEAR(static_cast<double>(clock.line().error_at(10s).count()), 60'000, 2);
}

TEST(cluster_clock, says_when_it_holds_over_and_when_it_is_unsure) {
    cluster_clock clock({}, 0s, start);
    ASSERT_TRUE(clock.correct(0s, correction_to(0s, start)));
    EXPECT_EQ(clock.line().state_at(1s), clock_state::synchronised);
    EXPECT_EQ(clock.line().state_at(5s), clock_state::holdover);
    EXPECT_EQ(clock.line().state_at(3000s), clock_state::unsure);
}

TEST(cluster_clock, refuses_lower_epochs_and_repetitions) {
    cluster_clock clock({}, 0s, start);
    ASSERT_TRUE(clock.correct(1s, correction_to(1s, start, 3, 5)));
    EXPECT_FALSE(clock.correct(1s, correction_to(1s, 0, 2, 9)));
    EXPECT_FALSE(clock.correct(1s, correction_to(1s, 0, 3, 5)));
    clock.note_epoch(4);
    EXPECT_FALSE(clock.correct(1s, correction_to(1s, 0, 3, 6)));
    EXPECT_EQ(clock.line().reading_at(1s), start);
}

TEST(cluster_clock, takes_a_late_correction_as_if_it_had_come_in_time) {
    cluster_clock prompt({}, 0s, start), late({}, 0s, start);
    const clock_correction c = correction_to(1s, start + 77);
    ASSERT_TRUE(prompt.correct(1s, c));
    ASSERT_TRUE(late.correct(2s, c));
    EXPECT_EQ(prompt.line().reading_at(3s), late.line().reading_at(3s));
}

} // namespace
} // namespace stadion::clocksync
