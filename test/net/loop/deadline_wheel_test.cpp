#include "net/loop/deadline_wheel.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <random>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using clock = deadline_wheel::clock;

struct noted : deadline {
    explicit noted(std::function<void()> what)
        : deadline([](deadline& entry) { static_cast<noted&>(entry).run(); }), run(std::move(what)) {}
    std::function<void()> run;
};

class wheel_test : public testing::Test {
protected:
    const clock::time_point start = clock::time_point(1h);
    deadline_wheel wheel{start};
    int fired = 0;
};

TEST_F(wheel_test, fires_once_and_never_early) {
    noted one([&] { ++fired; });
    wheel.arm(one, start, 25ms);
    wheel.advance(start + 24ms);
    EXPECT_EQ(fired, 0);
    wheel.advance(start + 40ms);
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(one.armed());
    wheel.advance(start + 10s);
    EXPECT_EQ(fired, 1);
}

TEST_F(wheel_test, a_deadline_beyond_one_round_waits_for_its_round) {
    noted one([&] { ++fired; });
    wheel.arm(one, start, 25s);
    for (auto now = start; now < start + 25s; now += 10ms) wheel.advance(now);
    EXPECT_EQ(fired, 0);
    wheel.advance(start + 25s + 20ms);
    EXPECT_EQ(fired, 1);
}

TEST_F(wheel_test, disarming_and_destroying_silences) {
    noted one([&] { ++fired; });
    auto two = std::make_unique<noted>([&] { ++fired; });
    wheel.arm(one, start, 10ms);
    wheel.arm(*two, start, 10ms);
    one.disarm();
    two.reset();
    EXPECT_EQ(wheel.size(), 0u);
    wheel.advance(start + 1s);
    EXPECT_EQ(fired, 0);
}

TEST_F(wheel_test, an_action_may_disarm_another_that_is_due_and_rearm_itself) {
    noted victim([&] { fired += 100; });
    noted again([&] {
        victim.disarm();
        if (++fired < 3) wheel.arm(again, start + 1s, 10ms);
    });
    wheel.arm(again, start, 10ms);
    wheel.arm(victim, start, 10ms);
    wheel.advance(start + 1s);
    EXPECT_EQ(fired, 1);
    wheel.advance(start + 2s);
    EXPECT_EQ(fired, 2);
}

TEST_F(wheel_test, a_long_pause_fires_everything_that_was_due) {
    std::vector<std::unique_ptr<noted>> many;
    for (int i = 0; i < 1000; ++i) {
        many.push_back(std::make_unique<noted>([&] { ++fired; }));
        wheel.arm(*many.back(), start, std::chrono::milliseconds(i * 37));
    }
    wheel.advance(start + 1h);
    EXPECT_EQ(fired, 1000);
    EXPECT_EQ(wheel.size(), 0u);
}

TEST_F(wheel_test, random_schedules_fire_within_a_tick_of_their_time) {
    std::mt19937 random(7);
    auto now = start;
    struct planned {
        clock::time_point due;
        std::unique_ptr<noted> entry;
    };
    std::vector<planned> all;
    for (int step = 0; step < 5000; ++step) {
        const auto after = std::chrono::microseconds(random() % 30'000'000);
        const auto due = now + after;
        all.push_back({due, std::make_unique<noted>([&, due] {
                           EXPECT_GE(now, due);
                           EXPECT_LE(now - due, 2 * deadline_wheel::tick_length + 5ms);
                           ++fired;
                       })});
        wheel.arm(*all.back().entry, now, after);
        now += std::chrono::microseconds(random() % 5000);
        wheel.advance(now);
    }
    for (; now < start + 2min; now += 5ms) wheel.advance(now);
    EXPECT_EQ(fired, 5000);
}

} // namespace
} // namespace stadion::net
