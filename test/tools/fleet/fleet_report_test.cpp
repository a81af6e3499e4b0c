#include "tools/fleet/fleet_report.hpp"

#include "test/tools/fleet/fleet_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace stadion::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(fleet_report, a_status_is_read) {
    server_report one;
    ASSERT_TRUE(read_status(
        R"({"server_id":3,"kind":"frontend","uptime_s":12.5,"clients":7,"capacity":100,"state":"UP",
        "leader":{"server_id":4,"address":"x"},"epoch":2,"sequence":99})",
        one));
    EXPECT_EQ(one.clients, 7u);
    EXPECT_EQ(one.capacity, 100u);
    EXPECT_EQ(one.leader, 4u);
    EXPECT_EQ(one.epoch, 2u);
    EXPECT_EQ(one.sequence, 99u);
    EXPECT_DOUBLE_EQ(one.uptime_s, 12.5);
    ASSERT_TRUE(read_status(R"({"kind":"frontend","leader":null})", one));
    EXPECT_FALSE(read_status("<html>", one));
    EXPECT_FALSE(read_status("[]", one));
}

TEST(fleet_report, what_is_of_another_type_is_not_taken) {
    fleet_report report;
    server_report one;
    election_report election;
    for (const char* text :
         {R"({"kind":5,"state":[],"clock":{"state":7},"database":{"connected":"yes"},"leader":3,"order":0})",
          R"({"kind":"frontend","clock":"x","database":[],"ring":[-1,"a"],"election":{"reason":5}})",
          R"({"kind":"x","wanted":7,"children":[{"kind":4,"pid":"x","crash_loop":1,"last_end":null}]})"}) {
        EXPECT_TRUE(read_status(text, one)) << text;
        EXPECT_TRUE(read_election(text, election)) << text;
        EXPECT_TRUE(read_fleet(text, report)) << text;
    }
    EXPECT_FALSE(read_fleet(R"({"children":[5]})", report));
    EXPECT_TRUE(one.follows_database);
}

TEST(fleet_report, how_children_fare_is_read) {
    fleet_report report;
    ASSERT_TRUE(read_fleet(R"({"wanted":{"frontend":3,"dbserver":1},"children":[
        {"kind":"frontend","address":"127.0.0.1:7401","pid":0,"starts_in_s":1.5,"restarts":7,"early_deaths":6,
         "crash_loop":true,"last_end":"exited with status 1","last_words":"cannot listen"}]})",
                           report));
    EXPECT_EQ(report.wanted_front_ends, 3u);
    ASSERT_EQ(report.children.size(), 1u);
    const auto& child = report.children[0];
    EXPECT_EQ(child.pid, 0u);
    EXPECT_DOUBLE_EQ(child.seconds, 1.5);
    EXPECT_EQ(child.restarts, 7u);
    EXPECT_EQ(child.early_deaths, 6u);
    EXPECT_TRUE(child.is_in_crash_loop);
    EXPECT_EQ(child.last_end, "exited with status 1");
    EXPECT_EQ(child.last_words, "cannot listen");
}

TEST(fleet_report, the_strands_are_read_and_shown) {
    auto report = healthy();
    ASSERT_TRUE(read_status(
        R"({"kind":"frontend","state":"UP","clock":{"error_us":14.4,"rate_ppb":-22408,"state":"SYNCHRONISED",
        "offset_us":-0.4},"order":{"members":4,"lag":2}})",
        report.servers[2]));
    ASSERT_TRUE(read_election(
        R"({"epoch":7,"leader":{"server_id":2},"ring":[1,2,4],
        "election":{"by":4,"reason":"leader-lost","seconds_ago":62.1}})",
        report.election));
    const auto table = to_table(report);
    EXPECT_THAT(table,
                HasSubstr("leader 2, epoch 7, last election 00:01:02 ago: leader-lost (asked for by 4); "
                          "ring 1 2 4\n"));
    EXPECT_THAT(table, testing::ContainsRegex("frontend-3 +SYNCHRONISED +-0.4 +14.4 +-22408 +4 +2\n"));
    EXPECT_EQ(to_json(report)["servers"][2]["clock"]["offset_us"], -0.4);
    EXPECT_EQ(to_json(report)["election"]["ring"], (std::vector{1, 2, 4}));
}

TEST(fleet_report, without_a_leader_the_table_says_so) {
    EXPECT_THAT(to_table(healthy()), HasSubstr("no leader, epoch 0; ring\n"));
    election_report none;
    EXPECT_FALSE(read_election("<html>", none));
}

TEST(fleet_report, metrics_are_summed_over_their_labels) {
    constexpr auto text = "# HELP stadion_requests_total Requests.\n"
                          "stadion_requests_total{method=\"A\"} 5\n"
                          "stadion_requests_total{method=\"B } C\"} 7 1700000000\n"
                          "stadion_requests_total_other 100\n"
                          "stadion_http_requests_total 1e3\n";
    EXPECT_DOUBLE_EQ(sum_of_metric(text, "stadion_requests_total"), 12);
    EXPECT_DOUBLE_EQ(sum_of_metric(text, "stadion_requests_total", "method=\"A"), 7);
    EXPECT_DOUBLE_EQ(sum_of_metric(text, "stadion_http_requests_total"), 1000);
    EXPECT_DOUBLE_EQ(sum_of_metric(text, "stadion_requests"), 0);
}

TEST(fleet_report, rates_come_from_two_looks) {
    auto before = healthy();
    auto now = healthy();
    before.servers[2].requests = 100;
    now.servers[2].requests = 300;
    before.servers[3].requests = 500; // it has started anew since
    now.servers[3].requests = 20;
    set_rates(now, before, 2);
    EXPECT_DOUBLE_EQ(now.servers[2].requests_per_s, 100);
    EXPECT_DOUBLE_EQ(now.servers[3].requests_per_s, 0);
}

TEST(fleet_report, uptimes_are_readable) {
    EXPECT_EQ(uptime_text(7.9), "00:00:07");
    EXPECT_EQ(uptime_text(2 * 86'400 + 3 * 3600 + 4 * 60 + 5), "2 d 03:04:05");
}

TEST(fleet_report, every_server_has_a_line) {
    auto report = healthy();
    report.servers[3].ready = false;
    report.servers[3].complaint = "the database server is away";
    const auto table = to_table(report);
    EXPECT_THAT(table, HasSubstr("frontend-3"));
    EXPECT_THAT(table, HasSubstr("degraded: frontend-4 is not ready: the database server is away"));
    EXPECT_THAT(table, Not(HasSubstr("frontend-3 is")));
    EXPECT_THAT(to_lines(report), HasSubstr("[-] frontend-4 is not ready: the database server is away"));
    EXPECT_THAT(to_lines(report), HasSubstr("[+] frontend-3 127.0.0.1:7403 is well\n"));
    const auto json = to_json(report);
    EXPECT_EQ(json["health"], "degraded");
    EXPECT_EQ(json["servers"].size(), 4u);
}

} // namespace
} // namespace stadion::tools
