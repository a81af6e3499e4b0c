#include "clocksync/clock/clock_samples.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

TEST(clock_burst, takes_the_minimum_of_each_direction) {
    clock_burst burst; // theirs is ours + 1 s
    burst.add(0us, 1s + 70us, 1s + 80us, 300us);
    burst.add(400us, 1s + 600us, 1s + 600us, 660us);
    const auto sample = burst.sample(0);
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->middle, 1s + (70us - 60us) / 2);
    EXPECT_NEAR(static_cast<double>(sample->half_width.count()), 65'000, 2);
}

TEST(clock_samples, learn_the_rate_and_bound_its_error) {
    clock_samples samples;
    for (int i = 0; i < 16; ++i) {
        const double noise = i % 2 == 0 ? 2000 : -2000;
        samples.add({i * 1s, duration(static_cast<std::int64_t>(5e9 + i * 80'000 + noise)), 50us});
    }
    const auto line = samples.fit();
    ASSERT_TRUE(line.rate_known);
    EXPECT_NEAR(line.rate, 80e-6, 1e-6);
    EXPECT_NEAR(line.offset_ns, 5e9 + 15 * 80'000, 1500);
    EXPECT_LE(line.rate_error, 10e-6);
    EXPECT_GE(line.rate_error, std::abs(line.rate - 80e-6));
}

TEST(clock_samples, forget_a_clock_that_jumped) {
    clock_samples samples;
    for (int i = 0; i < 5; ++i) samples.add({i * 1s, 5s, 50us});
    samples.add({6s, 9s, 50us});
    EXPECT_NEAR(samples.fit().offset_ns, 9e9, 1);
    EXPECT_FALSE(samples.fit().rate_known);
}

} // namespace
} // namespace stadion::clocksync
