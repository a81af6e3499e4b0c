#include "tools/bench/bench_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace stadion::tools {
namespace {

using ::testing::HasSubstr;

TEST(bench_report, the_median_is_the_middle) {
    EXPECT_EQ(median({3, 1, 2}), 2);
    EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
    EXPECT_EQ(median({}), 0);
}

TEST(bench_report, figures_are_compared_with_the_peer_and_with_the_aim) {
    bench_row row;
    row.scenario = "wire 64×1";
    row.unit = "/s";
    row.runs = {90'000, 95'000, 10'000};
    row.peer = "echo";
    row.peer_runs = {100'000};
    row.reach = 0.95;
    row.reach_is_ratio = true;
    EXPECT_DOUBLE_EQ(ratio(row), 0.9);
    const auto table = to_table({row});
    EXPECT_THAT(table, HasSubstr("90,000/s"));
    EXPECT_THAT(table, HasSubstr("echo 100,000"));
    EXPECT_THAT(table, HasSubstr("short of 0.95"));
    row.reach = 0.9;
    EXPECT_THAT(to_table({row}), HasSubstr("reaches 0.90"));
    EXPECT_EQ(to_json({row})["scenarios"][0]["ratio"], 0.9);
}

TEST(bench_report, for_memory_less_is_better) {
    bench_row row;
    row.runs = {2'000};
    row.reach = 2'500;
    row.less_is_better = true;
    EXPECT_THAT(to_table({row}), HasSubstr("reaches 2,500"));
}

TEST(bench_report, a_scenario_that_could_not_be_measured_says_why) {
    bench_row row;
    row.scenario = "memory";
    row.problem = "there is no process 0";
    EXPECT_THAT(to_table({row}), HasSubstr("there is no process 0"));
    EXPECT_EQ(to_json({row})["scenarios"][0]["problem"], "there is no process 0");
}

TEST(bench_report, a_push_tells_when_each_and_when_the_last_had_it) {
    using std::chrono::milliseconds;
    bench_row row;
    row.scenario = "push 100";
    row.runs = {1};
    for (int i = 0; i < 10; ++i) row.latency.record(milliseconds(1));
    row.to_last.record(milliseconds(9));
    row.not_to_all = 3;
    const auto table = to_table({row});
    EXPECT_THAT(table, HasSubstr("until the last has it"));
    EXPECT_THAT(table, HasSubstr("3 not to all"));
    const auto json = to_json({row})["scenarios"][0];
    EXPECT_NEAR(json["latency_us"]["p90"].get<double>(), 1'000, 20);
    EXPECT_NEAR(json["until_last_us"]["p50"].get<double>(), 9'000, 200);
    EXPECT_EQ(json["not_to_all"], 3);
}

} // namespace
} // namespace stadion::tools
