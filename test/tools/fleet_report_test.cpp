#include "tools/fleet_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace stadion::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

server_report server(const char* kind, std::uint32_t id) {
    server_report one;
    one.listed.set_kind(kind);
    one.listed.set_server_id(id);
    one.listed.set_address("127.0.0.1:" + std::to_string(7400 + id));
    one.listed.set_state(v1::Server::UP);
    one.answers = one.ready = true;
    one.state = "UP";
    return one;
}

fleet_report healthy() {
    return {"127.0.0.1:7400",
            "",
            {server("dispatcher", 1), server("dbserver", 2), server("frontend", 3), server("frontend", 4)},
            {}};
}

TEST(fleet_report, a_fleet_whose_servers_are_all_ready_is_well) {
    EXPECT_EQ(judge(healthy()), fleet_health::well);
}

TEST(fleet_report, a_server_that_is_missing_or_not_ready_degrades_it) {
    for (const std::size_t which : {0, 1, 2, 3}) {
        auto report = healthy();
        report.servers[which].answers = false;
        EXPECT_EQ(judge(report), fleet_health::degraded) << which;
        report = healthy();
        report.servers[which].ready = false;
        EXPECT_EQ(judge(report), fleet_health::degraded) << which;
        report = healthy();
        report.servers[which].listed.set_state(v1::Server::DRAINING);
        EXPECT_EQ(judge(report), fleet_health::degraded) << which;
    }
    auto report = healthy();
    report.servers.erase(report.servers.begin() + 1);
    EXPECT_EQ(judge(report), fleet_health::degraded);
    EXPECT_THAT(to_lines(report), HasSubstr("no database server"));
}

TEST(fleet_report, without_dispatcher_or_front_ends_it_is_down) {
    auto report = healthy();
    report.failure = "refused";
    EXPECT_EQ(judge(report), fleet_health::down);
    report = healthy();
    report.servers[2].answers = report.servers[3].answers = false;
    EXPECT_EQ(judge(report), fleet_health::down);
}

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
    EXPECT_THAT(table, HasSubstr("frontend-4 is not ready: the database server is away"));
    EXPECT_THAT(table, Not(HasSubstr("frontend-3 is")));
    EXPECT_THAT(to_lines(report), HasSubstr("[+] frontend-3 127.0.0.1:7403 is well\n[-] frontend-4"));
    const auto json = to_json(report);
    EXPECT_EQ(json["health"], "degraded");
    EXPECT_EQ(json["servers"].size(), 4u);
}

} // namespace
} // namespace stadion::tools
