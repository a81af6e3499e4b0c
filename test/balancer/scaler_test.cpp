#include "balancer/scaler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace stadion::balancer {
namespace {

using namespace std::chrono_literals;
using action = scaling::action;

constexpr time_point start{1000s};

scaler_settings settings() {
    scaler_settings chosen;
    chosen.servers_min = 2;
    chosen.servers_max = 4;
    chosen.start_above = 0.75;
    chosen.stop_below = 0.40;
    chosen.calm = 60s;
    return chosen;
}

front_end_load up(std::uint32_t id, std::uint64_t clients) {
    return {server_id{id}, server_state::up, clients, 100};
}

front_end_load in_state(front_end_load server, server_state state) {
    server.state = state;
    return server;
}

TEST(Scaler, StartsOneWhenTheFleetIsAboveTheThreshold) {
    scaler policy(settings());
    EXPECT_EQ(policy.decide(std::vector{up(1, 75), up(2, 75)}, start).what, action::keep);
    EXPECT_EQ(policy.decide(std::vector{up(1, 76), up(2, 75)}, start).what, action::start);
}

TEST(Scaler, WaitsForTheOneThatIsStarting) {
    scaler policy(settings());
    const auto coming = in_state({server_id::none, {}, 0, 50}, server_state::starting);
    EXPECT_EQ(policy.decide(std::vector{up(1, 100), up(2, 100), coming}, start).what, action::keep);
    EXPECT_EQ(policy.decide(std::vector{up(1, 100), up(2, 100), up(3, 0)}, start).what, action::keep);
}

TEST(Scaler, StopsAtTheMaximum) {
    scaler policy(settings());
    EXPECT_EQ(policy.decide(std::vector{up(1, 100), up(2, 100), up(3, 100), up(4, 100)}, start).what,
              action::keep);
}

TEST(Scaler, ClientsOfADrainingServerCountItsCapacityDoesNot) {
    scaler policy(settings());
    const std::vector fleet{up(1, 70), up(2, 70), in_state(up(3, 20), server_state::draining)};
    EXPECT_EQ(policy.decide(fleet, start).what, action::start);
}

TEST(Scaler, DrainsTheEmptiestAfterTheCalm) {
    scaler policy(settings());
    const std::vector fleet{up(1, 10), up(2, 5), up(3, 5)};
    EXPECT_EQ(policy.decide(fleet, start).what, action::keep);
    EXPECT_EQ(policy.decide(fleet, start + 59s).what, action::keep);
    const scaling decision = policy.decide(fleet, start + 60s);
    EXPECT_EQ(decision.what, action::drain);
    EXPECT_EQ(decision.whom, server_id{3}) << "ties to the newest";
}

TEST(Scaler, KeepsOneThatTheOthersWouldMiss) {
    scaler policy(settings());
    const std::vector fleet{up(1, 40), up(2, 40), up(3, 0)};
    for (auto now = start; now < start + 300s; now += 10s)
        EXPECT_EQ(policy.decide(fleet, now).what, action::keep) << "the other two would be exactly 0.40 full";
}

TEST(Scaler, ABusyMomentBeginsTheCalmAnew) {
    scaler policy(settings());
    const std::vector calm{up(1, 10), up(2, 5), up(3, 5)};
    const std::vector busy{up(1, 40), up(2, 40), up(3, 40)};
    policy.decide(calm, start);
    policy.decide(busy, start + 30s);
    EXPECT_EQ(policy.decide(calm, start + 60s).what, action::keep);
    EXPECT_EQ(policy.decide(calm, start + 119s).what, action::keep);
    EXPECT_EQ(policy.decide(calm, start + 120s).what, action::drain);
}

TEST(Scaler, KeepsTheMinimumAndDrainsOneAtATime) {
    scaler policy(settings());
    const std::vector smallest{up(1, 0), up(2, 0)};
    const std::vector draining{up(1, 0), up(2, 0), up(3, 0), in_state(up(4, 1), server_state::draining)};
    for (auto now = start; now < start + 300s; now += 10s) {
        EXPECT_EQ(policy.decide(smallest, now).what, action::keep);
        EXPECT_EQ(policy.decide(draining, now).what, action::keep);
    }
}

TEST(Scaler, AnEmptyFleetIsLeftToTheSupervisor) {
    scaler policy(settings());
    EXPECT_EQ(policy.decide({}, start).what, action::keep);
}

// Any steady number of clients ends in a fleet that stays as it is and has room.
TEST(Scaler, NeverFlapsUnderASteadyLoad) {
    for (std::uint64_t clients = 0; clients <= 400; ++clients) {
        for (std::uint32_t first_size = 2; first_size <= 4; ++first_size) {
            scaler policy(settings());
            std::uint32_t size = first_size;
            bool started = false;
            bool drained = false;
            for (auto now = start; now < start + 1000s; now += 1s) {
                std::vector<front_end_load> fleet;
                for (std::uint32_t id = 1; id <= size; ++id) fleet.push_back(up(id, clients / size));
                fleet.back().clients += clients % size;
                const action what = policy.decide(fleet, now).what;
                if (what == action::start) ++size, started = true;
                if (what == action::drain) --size, drained = true;
            }
            ASSERT_FALSE(started && drained) << clients << " clients on " << first_size;
            ASSERT_GE(size, 2u);
            ASSERT_LE(size, 4u);
            ASSERT_TRUE(size == 4 || clients <= 75u * size) << clients << " clients on " << size;
            ASSERT_TRUE(size == 2 || clients >= 40u * (size - 1)) << clients << " clients on " << size;
        }
    }
}

} // namespace
} // namespace stadion::balancer
