#include "dispatcher/core/registry.hpp"
#include "test/dispatcher/core/front_end_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;
using balancer::connection_id;
using balancer::server_id;
using balancer::time_point;
using testing::HasSubstr;
using wire::status;

constexpr time_point start{1000s};

class Registry : public testing::Test {
protected:
    registry fleet{{}, {}};

    std::uint32_t join(const v1::JoinRequest& request, connection_id connection = connection_id::none) {
        return fleet.join(request, connection, start)->server_id();
    }
    front_end join_up(const std::string& address, std::uint32_t capacity = 1000) {
        front_end server;
        server.id = join(join_request(address, capacity));
        server.capacity = capacity;
        EXPECT_TRUE(fleet.heartbeat(server.heartbeat(), connection_id::none, start));
        return server;
    }
    std::map<std::uint32_t, std::uint64_t> loads() const {
        std::map<std::uint32_t, std::uint64_t> counted;
        for (const auto& server : fleet.front_end_loads()) counted[number(server.id)] = server.clients;
        return counted;
    }
};

TEST_F(Registry, AnswersAJoinWithIdPeriodAndView) {
    fleet.set_epoch(9);
    const auto answer = fleet.join(join_request("127.0.0.1:7401"), connection_id{1}, start);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->server_id(), 1u);
    EXPECT_EQ(answer->heartbeat_ms(), 1000u);
    EXPECT_EQ(answer->epoch(), 9u);
    ASSERT_EQ(answer->view().servers_size(), 1);
    const v1::Server& server = answer->view().servers(0);
    EXPECT_EQ(server.kind(), "frontend");
    EXPECT_EQ(server.address(), "127.0.0.1:7401");
    EXPECT_EQ(server.state(), v1::Server::STARTING);
    EXPECT_EQ(server.capacity(), 1000u);
    EXPECT_EQ(server.pid(), 4711u);
    EXPECT_THAT(server.services(), testing::ElementsAre("FrontEnd"));
    EXPECT_EQ(answer->view().number(), fleet.view_number());
}

TEST_F(Registry, RefusesAJoinThatCannotBeAndNamesTheCulprit) {
    const auto refused = [&](const v1::JoinRequest& request, const char* culprit) {
        const auto answer = fleet.join(request, connection_id{1}, start);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, status::invalid_argument);
        EXPECT_THAT(answer.error().message, HasSubstr(culprit));
    };
    refused(join_request("a:1", 1, "toaster"), "toaster");
    for (const char* address :
         {"", "a", ":1", "a:", "a:0", "a:65536", "a:1x", "a:-1", "a:99999999999999999999"})
        refused(join_request(address), address);
    for (const char* address : {"a\n:1", "a b:1", "a\x1b[2J:1", "\xff:1", "a\\:1"})
        refused(join_request(address), "address must be host:port");
    auto many = join_request("a:1");
    for (int i = 0; i < 65; ++i) many.add_services("Service" + std::to_string(i));
    refused(many, "at most 64 services");
    auto odd = join_request("a:1");
    odd.add_services("Front\nEnd");
    refused(odd, "control character");
    EXPECT_EQ(fleet.get_all_servers().servers_size(), 0);
}

TEST_F(Registry, AssignsAMasterWithAnotherServerAsBackup) {
    const auto first = join_up("a:1");
    const auto second = join_up("b:1");
    join(join_request("c:1", 1000, "dbserver"));
    fleet.set_epoch(4);
    const auto answer = fleet.assign({}, start);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->master().server_id(), first.id);
    EXPECT_EQ(answer->master().address(), "a:1");
    EXPECT_EQ(answer->backup().server_id(), second.id);
    EXPECT_EQ(answer->epoch(), 4u);
    EXPECT_EQ(answer->ticket_ms(), 10'000u);
    EXPECT_NE(answer->ticket(), "");
    EXPECT_NE(fleet.assign({}, start)->ticket(), answer->ticket());
}

TEST_F(Registry, ALoneFrontEndHasNoBackup) {
    join_up("a:1");
    const auto answer = fleet.assign({}, start);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->has_backup());
}

TEST_F(Registry, AChangedFleetForgetsWhoWasToInheritWhom) {
    auto first = join_up("a:1");
    auto second = join_up("b:1");
    for (int client = 0; client < 100; ++client) {
        const auto answer = fleet.assign({}, start);
        (answer->master().server_id() == first.id ? first : second).redeemed.push_back(answer->ticket());
    }
    for (front_end* server : {&first, &second}) // all came and went again
        ASSERT_TRUE(fleet.heartbeat(server->heartbeat(), connection_id::none, start));
    join_up("c:1");
    const auto answer = fleet.assign({}, start);
    EXPECT_EQ(answer->master().server_id(), first.id);
    EXPECT_EQ(answer->backup().server_id(), second.id) << "the tie goes to the lower id";
}

TEST_F(Registry, SaysWhenToComeBackWhileNoFrontEndIsUp) {
    join(join_request("a:1"));
    join(join_request("b:1", 1000, "dbserver"));
    const auto answer = fleet.assign({}, start);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, status::unavailable);
    EXPECT_GT(answer.error().retry_after, 0ms);
}

TEST_F(Registry, AFullFleetTakesNobodyUntilAPromiseExpires) {
    join_up("a:1", 2);
    const auto second = join_up("b:1", 1);
    for (int client = 0; client < 3; ++client) ASSERT_TRUE(fleet.assign({}, start));
    const auto full = fleet.assign({}, start + 9s);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, status::resource_exhausted);
    const auto later = fleet.assign({}, start + 13s);
    ASSERT_TRUE(later);
    EXPECT_NE(later->master().server_id(), 0u);
    EXPECT_EQ(loads()[second.id] + loads()[1], 1u);
}

TEST_F(Registry, SixHundredClientsInABurstSpreadEvenlyWithoutAHeartbeat) {
    for (const char* address : {"a:1", "b:1", "c:1"}) join_up(address);
    std::map<std::uint32_t, int> got;
    for (int client = 0; client < 600; ++client) ++got[fleet.assign({}, start)->master().server_id()];
    EXPECT_EQ(got, (std::map<std::uint32_t, int>{{1, 200}, {2, 200}, {3, 200}}));
}

TEST_F(Registry, ANewcomerIsFilledUpFirst) {
    auto first = join_up("a:1");
    for (int client = 0; client < 10; ++client) first.register_client(fleet.assign({}, start)->ticket());
    ASSERT_TRUE(fleet.heartbeat(first.heartbeat(), connection_id::none, start));
    const auto second = join_up("b:1");
    for (int client = 0; client < 10; ++client)
        EXPECT_EQ(fleet.assign({}, start)->master().server_id(), second.id);
    EXPECT_EQ(loads(), (std::map<std::uint32_t, std::uint64_t>{{first.id, 10}, {second.id, 10}}));
}

TEST_F(Registry, CountsAreRightWithTheHeartbeatAfterThreeHundredResets) {
    auto server = join_up("a:1");
    for (int client = 0; client < 600; ++client) server.register_client(fleet.assign({}, start)->ticket());
    server.clients -= 300; // some of them before the ticket was ever reported
    ASSERT_TRUE(fleet.heartbeat(server.heartbeat(), connection_id::none, start));
    EXPECT_EQ(loads()[server.id], 300u);
    EXPECT_EQ(fleet.get_all_servers().servers(0).clients(), 300u);
}

TEST_F(Registry, ATicketShownToTheBackupEndsThePromiseOfTheMaster) {
    const auto master = join_up("a:1");
    auto backup = join_up("b:1");
    backup.register_client(fleet.assign({}, start)->ticket());
    ASSERT_TRUE(fleet.heartbeat(backup.heartbeat(), connection_id::none, start));
    EXPECT_EQ(loads(), (std::map<std::uint32_t, std::uint64_t>{{master.id, 0}, {backup.id, 1}}));
}

TEST_F(Registry, APromiseOutlivesItsTicketUntilAHeartbeatMustHaveCome) {
    auto server = join_up("a:1");
    fleet.assign({}, start).value();
    fleet.tick(start);
    for (auto now = start; now < start + 13s; now += 500ms) {
        fleet.tick(now);
        EXPECT_EQ(loads()[server.id], 1u);
        ASSERT_TRUE(fleet.heartbeat(server.heartbeat(), connection_id::none, now));
    }
    fleet.tick(start + 13s);
    EXPECT_EQ(loads()[server.id], 0u);
}

TEST_F(Registry, TellsAnUnknownServerToJoinAgain) {
    front_end stranger;
    stranger.id = 42;
    const auto answer = fleet.heartbeat(stranger.heartbeat(), connection_id{1}, start);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, status::not_found);
    EXPECT_THAT(answer.error().message, HasSubstr("42"));
}

TEST_F(Registry, AServerRejoinsARestartedDispatcherAsWhoItWas) {
    registry restarted{{}, {.starts = 2, .next_server_id = server_id{4}, .epoch = 7}};
    const auto newcomer = restarted.join(join_request("d:1"), connection_id{1}, start);
    EXPECT_EQ(newcomer->server_id(), 4u) << "1 to 3 may come back";
    auto request = join_request("b:1");
    request.set_server_id(2);
    request.set_clients(17);
    const auto answer = restarted.join(request, connection_id{2}, start);
    EXPECT_EQ(answer->server_id(), 2u);
    EXPECT_EQ(answer->epoch(), 7u);
    EXPECT_EQ(restarted.find(server_id{2})->clients, 17u);
}

TEST_F(Registry, ViewNumbersGrowAcrossRestarts) {
    for (int join_count = 0; join_count < 1000; ++join_count) join_up("a:1");
    const registry restarted{{}, {.starts = 2}};
    EXPECT_GT(restarted.view_number(), fleet.view_number());
}

TEST_F(Registry, ATicketFromBeforeARestartIsNobodysPromise) {
    join_up("a:1");
    const auto old_ticket = fleet.assign({}, start)->ticket();
    registry restarted{{}, {.starts = 2}};
    front_end server;
    server.id = restarted.join(join_request("a:1"), connection_id{1}, start)->server_id();
    ASSERT_TRUE(restarted.heartbeat(server.heartbeat(), connection_id{1}, start));
    ASSERT_TRUE(restarted.assign({}, start));
    server.register_client(old_ticket);
    ASSERT_TRUE(restarted.heartbeat(server.heartbeat(), connection_id{1}, start));
    EXPECT_EQ(restarted.front_end_loads().at(0).clients, 2u) << "one registered, one promised";
}

TEST_F(Registry, ListsServersByKind) {
    join_up("a:1");
    join(join_request("db:1", 0, "dbserver"));
    join_up("b:1");
    const auto kinds = [](const v1::GetAllServersResponse& answer) {
        std::vector<std::string> listed;
        for (const auto& server : answer.servers()) listed.push_back(server.address());
        return listed;
    };
    EXPECT_THAT(kinds(fleet.get_all_servers()), testing::ElementsAre("a:1", "db:1", "b:1"));
    EXPECT_THAT(kinds(fleet.get_all_front_end_servers()), testing::ElementsAre("a:1", "b:1"));
}

TEST_F(Registry, TellsWhoWentAndWhy) {
    const auto left = join_up("a:1");
    const auto lost = join(join_request("b:1"), connection_id{5});
    join(join_request("c:1"));
    v1::LeaveRequest leave;
    leave.set_server_id(left.id);
    ASSERT_TRUE(fleet.leave(leave));
    ASSERT_TRUE(fleet.leave(leave)) << "leaving twice is leaving once";
    fleet.connection_lost(connection_id{5});
    for (auto now = start; now <= start + 3s; now += fleet.tick_interval()) fleet.tick(now);

    const auto gone = fleet.take_departures();
    ASSERT_EQ(gone.size(), 3u);
    EXPECT_EQ(gone[0].reason, balancer::departure_reason::left);
    EXPECT_EQ(number(gone[1].last.id), lost);
    EXPECT_EQ(gone[1].reason, balancer::departure_reason::connection_lost);
    EXPECT_EQ(gone[2].reason, balancer::departure_reason::silent);
    EXPECT_TRUE(fleet.take_departures().empty());
    EXPECT_EQ(fleet.get_all_servers().servers_size(), 0);
}

TEST_F(Registry, ADrainedServerTakesNobodyAndHearsOfItWithItsHeartbeat) {
    auto drained = join_up("a:1");
    const auto other = join_up("b:1");
    ASSERT_TRUE(fleet.give_order(server_id{drained.id}, v1::HeartbeatResponse::DRAIN));
    for (int client = 0; client < 3; ++client) {
        const auto answer = fleet.assign({}, start);
        EXPECT_EQ(answer->master().server_id(), other.id);
        EXPECT_FALSE(answer->has_backup());
    }
    EXPECT_EQ(fleet.heartbeat(drained.heartbeat(), connection_id::none, start)->order(),
              v1::HeartbeatResponse::DRAIN);
    EXPECT_EQ(fleet.give_order(server_id{77}, v1::HeartbeatResponse::STOP).error().code, status::not_found);
}

TEST_F(Registry, ForwardsInTurnsToWhoOffersTheService) {
    join_up("a:1");
    join_up("b:1");
    EXPECT_EQ(fleet.forward_target("FrontEnd")->address(), "a:1");
    EXPECT_EQ(fleet.forward_target("FrontEnd")->address(), "b:1");
    EXPECT_EQ(fleet.forward_target("")->address(), "a:1");
    const auto nobody = fleet.forward_target("Questions");
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, status::unavailable);
    EXPECT_THAT(nobody.error().message, HasSubstr("Questions"));
}

TEST_F(Registry, TheEpochNeverFalls) {
    fleet.set_epoch(5);
    fleet.set_epoch(3);
    EXPECT_EQ(fleet.epoch(), 5u);
    EXPECT_EQ(fleet.view().epoch(), 5u);
}

} // namespace
} // namespace stadion::dispatcher
