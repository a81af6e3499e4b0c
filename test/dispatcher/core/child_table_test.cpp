#include "dispatcher/core/child_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace stadion::dispatcher {
namespace {

const std::string own = "127.0.0.1:7400";

using namespace std::chrono_literals;
using balancer::time_point;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr time_point start{1000s};
constexpr balancer::restart_settings settings{100ms, 2000ms, 10s, 3};

class ChildTable : public testing::Test {
protected:
    child_table table{settings};

    // Launches the only child that is due.
    slot_id launch(std::uint32_t pid, time_point now) {
        const auto due = table.take_due(now);
        EXPECT_EQ(due.size(), 1u);
        table.launched(due.at(0).slot, pid, pid * 10, own, now);
        return due.at(0).slot;
    }
};

TEST_F(ChildTable, AWantedChildIsDueAtOnceAndOnce) {
    table.want("frontend", "a:1");
    ASSERT_TRUE(table.next_due());
    EXPECT_LE(*table.next_due(), start);
    const auto due = table.take_due(start);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].kind, "frontend");
    EXPECT_EQ(due[0].address, "a:1");
    EXPECT_THAT(table.take_due(start), IsEmpty()) << "it is being launched";
    EXPECT_THAT(table.running(), IsEmpty());
    table.launched(due[0].slot, 7, 70, own, start);
    EXPECT_THAT(table.running(), ElementsAre(child_record{"frontend", "a:1", 7, 70, own}));
    EXPECT_EQ(table.next_due(), std::nullopt);
}

TEST_F(ChildTable, AStableChildThatDiedIsBackAtOnceWhereItWas) {
    table.want("frontend", "a:0");
    const slot_id slot = launch(7, start);
    table.bound(7, "a:4242");
    const auto notice = table.died(7, start + 10s);
    ASSERT_TRUE(notice);
    EXPECT_EQ(notice->slot, slot);
    EXPECT_EQ(notice->last, (child_record{"frontend", "a:4242", 7, 70, own}));
    EXPECT_FALSE(notice->expected);
    EXPECT_EQ(notice->restart.delay, 0ms);
    const auto due = table.take_due(start + 10s);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].slot, slot);
    EXPECT_EQ(due[0].address, "a:4242");
}

TEST_F(ChildTable, EarlyDeathsAreDelayedAndACrashLoopTriesTheWantedAddress) {
    table.want("frontend", "a:0");
    launch(1, start);
    table.bound(1, "a:4242");
    EXPECT_FALSE(table.died(1, start)->restart.crash_loop);
    EXPECT_THAT(table.take_due(start + 99ms), IsEmpty());
    EXPECT_EQ(table.next_due(), start + 100ms);
    launch(2, start + 100ms);
    table.died(2, start + 100ms);
    launch(3, start + 300ms);
    EXPECT_TRUE(table.died(3, start + 300ms)->restart.crash_loop);
    EXPECT_EQ(table.take_due(start + 700ms).at(0).address, "a:0");
}

TEST_F(ChildTable, ReportsHowAChildFaresAndWhatTheLastOneSaid) {
    table.want("frontend", "a:0");
    for (std::uint32_t pid = 1; pid <= 3; ++pid) {
        const auto now = start + 10s * pid;
        launch(pid, now);
        table.last_words(pid, "no room " + std::to_string(pid));
        table.died(pid, now, "exited with status 1");
    }
    const auto dead = table.reports(start + 30s).at(0);
    EXPECT_EQ(dead.child.pid, 0u);
    EXPECT_EQ(dead.time, 400ms);
    EXPECT_EQ(dead.restarts, 3u);
    EXPECT_EQ(dead.early_deaths, 3u);
    EXPECT_TRUE(dead.is_in_crash_loop);
    EXPECT_EQ(dead.last_end, "exited with status 1");
    EXPECT_EQ(dead.last_words, "no room 3");
    launch(4, start + 40s);
    EXPECT_TRUE(table.reports(start + 40s).at(0).is_in_crash_loop) << "it has only just begun";
    const auto stable = table.reports(start + 60s).at(0);
    EXPECT_EQ(stable.child.pid, 4u);
    EXPECT_EQ(stable.time, 20s);
    EXPECT_FALSE(stable.is_in_crash_loop);
    EXPECT_EQ(stable.early_deaths, 0u);
}

TEST_F(ChildTable, AFailedLaunchCountsAsAnEarlyDeath) {
    table.want("dbserver", "a:1");
    table.launch_failed(table.take_due(start).at(0).slot, start);
    EXPECT_EQ(table.next_due(), start + 100ms);
    table.launch_failed(table.take_due(start + 100ms).at(0).slot, start + 100ms);
    EXPECT_EQ(table.next_due(), start + 300ms);
}

TEST_F(ChildTable, AnAdoptedChildIsSupervisedLikeAnyOther) {
    table.adopt({"frontend", "a:1", 7, 70}, start);
    EXPECT_THAT(table.take_due(start), IsEmpty());
    EXPECT_EQ(table.running().size(), 1u);
    EXPECT_EQ(table.died(7, start + 10s)->restart.delay, 0ms);
    EXPECT_EQ(table.take_due(start + 10s).at(0).address, "a:1");
}

TEST_F(ChildTable, ARetiredChildIsNotStartedAgain) {
    table.want("frontend", "a:1");
    launch(7, start);
    EXPECT_TRUE(table.retire(7));
    EXPECT_FALSE(table.retire(8));
    EXPECT_TRUE(table.died(7, start + 1s)->expected);
    EXPECT_EQ(table.next_due(), std::nullopt);
    EXPECT_THAT(table.all(), IsEmpty());
}

TEST_F(ChildTable, StopStartsNothingMoreAndWaitsForTheRunning) {
    table.want("frontend", "a:1");
    launch(7, start);
    table.want("frontend", "a:2");
    table.stop();
    EXPECT_EQ(table.next_due(), std::nullopt);
    EXPECT_THAT(table.take_due(start + 60s), IsEmpty());
    EXPECT_THAT(table.running(), ElementsAre(child_record{"frontend", "a:1", 7, 70, own}));
    EXPECT_TRUE(table.died(7, start + 1s)->expected);
    EXPECT_THAT(table.all(), IsEmpty());
}

TEST_F(ChildTable, ALaunchUnderWayWhenAllStopEndsEitherWay) {
    table.want("frontend", "a:1");
    table.want("frontend", "a:2");
    const auto due = table.take_due(start);
    ASSERT_EQ(due.size(), 2u);
    table.stop();
    EXPECT_EQ(table.all().size(), 2u);
    table.launch_failed(due[0].slot, start);
    table.launched(due[1].slot, 7, 70, own, start);
    EXPECT_EQ(table.running().size(), 1u);
    EXPECT_TRUE(table.died(7, start)->expected);
    EXPECT_THAT(table.all(), IsEmpty());
}

TEST_F(ChildTable, AStrangersDeathMeansNothing) {
    table.want("frontend", "a:1");
    EXPECT_FALSE(table.died(7, start));
    EXPECT_FALSE(table.died(0, start)) << "a child that does not run has no process";
    launch(7, start);
    EXPECT_TRUE(table.died(7, start));
    EXPECT_FALSE(table.died(7, start)) << "nobody dies twice";
}

TEST_F(ChildTable, EveryWantedChildRunsInTheEndWhateverHappens) {
    for (unsigned seed = 1; seed <= 100; ++seed) {
        std::mt19937 random(seed);
        child_table fleet(settings);
        for (int child = 0; child < 4; ++child) fleet.want("frontend", "a:" + std::to_string(child + 1));
        std::uint32_t next_pid = 1;
        time_point now = start;
        for (int step = 0; step < 300; ++step) {
            now += std::chrono::milliseconds(random() % 3000);
            for (const auto& one : fleet.take_due(now)) {
                if (random() % 3 == 0)
                    fleet.launch_failed(one.slot, now);
                else
                    fleet.launched(one.slot, next_pid++, 1, own, now);
            }
            const auto running = fleet.running();
            if (!running.empty() && random() % 2) {
                ASSERT_TRUE(fleet.died(running[random() % running.size()].pid, now));
            }
            ASSERT_EQ(fleet.all().size(), 4u);
            if (fleet.running().size() < 4) {
                ASSERT_TRUE(fleet.next_due());
                ASSERT_LE(*fleet.next_due(), now + 2000ms);
            }
        }
        now += 2000ms;
        for (const auto& one : fleet.take_due(now)) fleet.launched(one.slot, next_pid++, 1, own, now);
        std::set<std::string> addresses;
        for (const child_record& child : fleet.running()) addresses.insert(child.address);
        ASSERT_EQ(addresses, (std::set<std::string>{"a:1", "a:2", "a:3", "a:4"})) << "seed " << seed;
    }
}

} // namespace
} // namespace stadion::dispatcher
