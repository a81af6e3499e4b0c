#include "balancer/restart_policy.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace stadion::balancer {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};
constexpr restart_settings settings{100ms, 2000ms, 10s, 5};

TEST(RestartPolicy, AServerThatHadBeenStableIsBackAtOnce) {
    restart_policy policy(settings);
    const auto decision = policy.died(start, start + 10s);
    EXPECT_EQ(decision.delay, 0ms);
    EXPECT_EQ(decision.early_deaths, 0u);
    EXPECT_FALSE(decision.crash_loop);
}

TEST(RestartPolicy, EarlyDeathsDoubleTheDelayUpToTheCap) {
    restart_policy policy(settings);
    std::vector<std::chrono::milliseconds> delays;
    for (int death = 0; death < 7; ++death) delays.push_back(policy.died(start, start + 1s).delay);
    EXPECT_EQ(delays,
              (std::vector<std::chrono::milliseconds>{100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}));
}

TEST(RestartPolicy, SaysSoInACrashLoopAndGoesOn) {
    restart_policy policy(settings);
    for (unsigned death = 1; death <= 4; ++death) EXPECT_FALSE(policy.died(start, start).crash_loop) << death;
    for (unsigned death = 5; death <= 100'000; ++death) {
        const auto decision = policy.died(start, start);
        ASSERT_TRUE(decision.crash_loop);
        ASSERT_EQ(decision.early_deaths, death);
        ASSERT_EQ(decision.delay, death == 5 ? 1600ms : 2000ms);
    }
}

TEST(RestartPolicy, StableServiceForgivesEarlierDeaths) {
    restart_policy policy(settings);
    for (int death = 0; death < 6; ++death) policy.died(start, start + 1s);
    EXPECT_EQ(policy.died(start, start + 11s).delay, 0ms);
    const auto next = policy.died(start, start + 1s);
    EXPECT_EQ(next.delay, 100ms);
    EXPECT_FALSE(next.crash_loop);
}

TEST(RestartPolicy, AFirstDelayAboveTheCapIsTheCap) {
    restart_policy policy({5000ms, 2000ms, 10s, 5});
    EXPECT_EQ(policy.died(start, start).delay, 2000ms);
}

} // namespace
} // namespace stadion::balancer
