#include "tools/fleet/fleet_findings.hpp"

#include "test/tools/fleet/fleet_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The only fault of this fleet.
std::string fault_of(const fleet_report& report) {
    const auto found = find_faults(report);
    EXPECT_EQ(found.size(), 1u) << to_lines(report);
    EXPECT_EQ(judge(report), fleet_health::degraded);
    return found.empty() ? "" : to_text(found.front());
}

// With 2, 3 and 4 in the ring, of which 2 leads.
fleet_report led() {
    auto report = healthy();
    report.election.leader = 2;
    report.election.epoch = 7;
    report.election.ring = {2, 3, 4};
    for (auto& server : report.servers) server.leader = 2;
    return report;
}

TEST(fleet_findings, a_fleet_whose_servers_are_all_ready_is_well) {
    EXPECT_EQ(judge(healthy()), fleet_health::well);
}

TEST(fleet_findings, a_server_that_is_missing_or_not_ready_degrades_it) {
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

TEST(fleet_findings, without_dispatcher_or_front_ends_it_is_down) {
    auto report = healthy();
    report.failure = "refused";
    EXPECT_EQ(judge(report), fleet_health::down);
    report = healthy();
    report.servers[2].answers = report.servers[3].answers = false;
    EXPECT_EQ(judge(report), fleet_health::down);
}

TEST(fleet_findings, fewer_front_ends_than_wanted_degrade_it) {
    auto report = healthy();
    report.wanted_front_ends = 3;
    EXPECT_THAT(fault_of(report), HasSubstr("only 2 of 3 front-ends serve"));
}

TEST(fleet_findings, two_leaders_degrade_it) {
    EXPECT_EQ(judge(led()), fleet_health::well);
    auto report = led();
    report.servers[3].leader = 4;
    EXPECT_THAT(
        fault_of(report),
        AllOf(
            HasSubstr(
                "there are 2 leaders: 2 is followed by dbserver-2, frontend-3; 4 is followed by frontend-4"),
            HasSubstr("restart those that do not follow 2")));
}

TEST(fleet_findings, following_another_than_was_granted_degrades_it) {
    auto report = led();
    for (auto& server : report.servers) server.leader = 99;
    EXPECT_THAT(fault_of(report), HasSubstr("follow 99, but the dispatcher granted the lead to 2"));
}

TEST(fleet_findings, who_is_not_in_the_ring_has_no_say) {
    auto report = led();
    report.election.ring = {2, 3};
    report.servers[3].leader = 99;
    EXPECT_EQ(judge(report), fleet_health::well);
}

TEST(fleet_findings, no_leader_degrades_it_once_there_was_one) {
    auto report = led();
    report.election.leader = 0;
    for (auto& server : report.servers) server.leader = 0;
    EXPECT_THAT(fault_of(report), HasSubstr("there is no leader"));
    report.election.epoch = 0; // elections are off, or the fleet is new
    EXPECT_EQ(judge(report), fleet_health::well);
}

TEST(fleet_findings, a_crash_loop_degrades_it_and_says_what_the_last_one_said) {
    auto report = healthy();
    child_report& child = report.children.emplace_back();
    child.kind = "frontend";
    child.address = "127.0.0.1:7405";
    child.pid = 4711;
    child.restarts = 9;
    EXPECT_EQ(judge(report), fleet_health::well) << "it has died before, but runs";
    EXPECT_THAT(to_lines(report), HasSubstr("was started again 9 times"));
    child.is_in_crash_loop = true;
    child.early_deaths = 6;
    child.last_end = "exited with status 1";
    child.last_words = "cannot listen on 127.0.0.1:7405";
    EXPECT_THAT(fault_of(report), AllOf(HasSubstr("127.0.0.1:7405 dies again and again, 6 times in a row"),
                                        HasSubstr("the last one exited with status 1 (cannot listen on")));
    child.is_in_crash_loop = false;
    child.pid = 0;
    child.seconds = 3;
    EXPECT_THAT(fault_of(report),
                AllOf(HasSubstr("does not run"), HasSubstr("started again by itself, in 00:00:03")));
}

TEST(fleet_findings, a_child_that_runs_and_is_not_heard_of_degrades_it) {
    auto report = healthy();
    child_report& child = report.children.emplace_back();
    child.kind = "frontend";
    child.address = "127.0.0.1:7499";
    child.pid = 4711;
    child.seconds = 1;
    EXPECT_EQ(judge(report), fleet_health::well) << "it has only begun";
    child.seconds = 60;
    EXPECT_THAT(fault_of(report),
                AllOf(HasSubstr("not heard of by the dispatcher"), HasSubstr("kill -9 4711")));
    report.servers[2].listed.set_address(child.address);
    EXPECT_EQ(judge(report), fleet_health::well);
}

TEST(fleet_findings, a_clock_without_corrections_degrades_it) {
    auto report = healthy();
    report.servers[2].clock_state = "SYNCHRONISED";
    EXPECT_EQ(judge(report), fleet_health::well);
    report.servers[2].clock_state = "HOLDOVER";
    EXPECT_THAT(fault_of(report), HasSubstr("frontend-3's clock has had no correction lately"));
    report.servers[2].clock_state = "UNSURE";
    EXPECT_THAT(fault_of(report), HasSubstr("frontend-3's clock is too uncertain"));
}

TEST(fleet_findings, a_stale_replica_degrades_it) {
    auto report = healthy();
    report.servers[2].behind = 12;
    EXPECT_THAT(fault_of(report), HasSubstr("frontend-3 is 12 commits behind"));
    report.servers[2].behind = 0;
    report.servers[2].follows_database = false;
    report.servers[2].sequence = 41;
    EXPECT_THAT(fault_of(report), HasSubstr("what it shows is as of sequence 41"));
}

TEST(fleet_findings, the_worst_comes_first_and_each_says_what_to_do) {
    auto report = healthy();
    report.servers[2].answers = report.servers[3].answers = false;
    report.servers[2].complaint = report.servers[3].complaint = "refused";
    const auto found = find_faults(report);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].health, fleet_health::down);
    for (const auto& one : found) EXPECT_NE(one.to_do, "");
}

} // namespace
} // namespace stadion::tools
