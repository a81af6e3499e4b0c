#include "test/dispatcher/service/served_fleet.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace stadion::dispatcher {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What WatchView says, in the order it is said.
class view_log {
public:
    void add(std::string_view body) {
        const std::lock_guard lock(mutex_);
        v1::View view;
        view.ParseFromArray(body.data(), static_cast<int>(body.size()));
        views_.push_back(view);
        changed_.notify_all();
    }
    bool wait_for(const std::function<bool(const v1::View&)>& holds) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, long_enough, [&] { return !views_.empty() && holds(views_.back()); });
    }
    std::vector<v1::View> all() {
        const std::lock_guard lock(mutex_);
        return views_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<v1::View> views_;
};

using DispatcherServer = ServedFleet;

TEST_F(DispatcherServer, ListsWhoHasJoinedUntilItsConnectionIsLost) {
    view_log log;
    wire_caller watching(threads.at(1), address);
    watching.watch(0x0109, [&](std::string_view body) { log.add(body); });
    wire_caller one(threads.at(0), address), other(threads.at(1), address);
    join(one, "127.0.0.1:7401");
    join(other, "127.0.0.1:7402");
    EXPECT_THAT(listed(), ElementsAre("127.0.0.1:7401", "127.0.0.1:7402"));
    other.close();
    // Long before the first heartbeat could be missed.
    EXPECT_TRUE(log.wait_for([](const v1::View& view) {
        return view.servers_size() == 1 && view.servers(0).state() == v1::Server::UP;
    }));
    EXPECT_THAT(listed(), ElementsAre("127.0.0.1:7401"));
    const auto views = log.all();
    for (std::size_t i = 1; i < views.size(); ++i) EXPECT_GT(views[i].number(), views[i - 1].number());
    one.close();
    EXPECT_TRUE(log.wait_for([](const v1::View& view) { return view.servers_size() == 0; }));
}

TEST_F(DispatcherServer, AssignsTwoDifferentFrontEndsOverHttpToo) {
    EXPECT_EQ(http("POST", "/rpc/Dispatcher/Assign", {}, "{}").status, 503u);
    wire_caller one(threads.at(0), address), other(threads.at(1), address);
    join(one, "127.0.0.1:7401");
    join(other, "127.0.0.1:7402");
    const auto answer = http("POST", "/rpc/Dispatcher/Assign", {}, "{\"client_id\":\"obelix\"}");
    ASSERT_EQ(answer.status, 200u) << answer.body;
    const auto assigned = nlohmann::json::parse(answer.body);
    EXPECT_NE(assigned["master"]["address"], assigned["backup"]["address"]);
    EXPECT_EQ(http("GET", "/readyz").status, 200u);
}

TEST_F(DispatcherServer, AServerThatJoinsOverHttpIsNotTiedToItsConnection) {
    const auto joined = http("POST", "/rpc/Dispatcher/Join", {},
                             "{\"kind\":\"frontend\",\"address\":\"127.0.0.1:7401\",\"capacity\":10}");
    ASSERT_EQ(joined.status, 200u) << joined.body;
    EXPECT_THAT(listed(), ElementsAre("127.0.0.1:7401"));
    EXPECT_EQ(http("POST", "/rpc/Dispatcher/Leave", {}, "{\"server_id\":1}").status, 200u);
    EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(DispatcherServer, GrantsTheElectionLockOnceAndUnderRisingEpochsAcrossRestarts) {
    v1::GetLeaderElectionLockRequest asking;
    std::uint64_t epoch = 0;
    for (int life = 0; life < 2; ++life) {
        wire_caller one(threads.at(0), address), other(threads.at(1), address);
        const auto first = join(one, "127.0.0.1:7401"), second = join(other, "127.0.0.1:7402");
        asking.set_server_id(first);
        asking.set_reason("periodic");
        const auto granted = one.ask<v1::GetLeaderElectionLockResponse>(0x0107, asking);
        ASSERT_TRUE(granted);
        EXPECT_TRUE(granted->granted());
        EXPECT_GT(granted->epoch(), epoch);
        epoch = granted->epoch();
        asking.set_server_id(second);
        const auto refused = other.ask<v1::GetLeaderElectionLockResponse>(0x0107, asking);
        ASSERT_TRUE(refused);
        EXPECT_FALSE(refused->granted());
        EXPECT_EQ(refused->holder(), first);

        v1::ReleaseLeaderElectionLockRequest release;
        release.set_server_id(first);
        release.set_epoch(epoch);
        release.set_leader_id(second);
        ASSERT_TRUE(one.ask<v1::ReleaseLeaderElectionLockResponse>(0x0108, release));
        const auto status = nlohmann::json::parse(http("GET", "/status").body);
        EXPECT_EQ(status["leader"]["address"], "127.0.0.1:7402");
        EXPECT_EQ(status["epoch"], epoch);
        v1::LeaveRequest goodbye; // or the next dispatcher would wait for the leader
        goodbye.set_server_id(first);
        ASSERT_TRUE(one.ask<v1::LeaveResponse>(0x0104, goodbye));
        goodbye.set_server_id(second);
        EXPECT_EQ(one.ask<v1::LeaveResponse>(0x0104, goodbye).error().code, wire::status::permission_denied)
            << "a server speaks for itself";
        ASSERT_TRUE(other.ask<v1::LeaveResponse>(0x0104, goodbye));
        stop();
        start();
    }
}

TEST_F(DispatcherServer, AnswersTheOldHttpNames) {
    wire_caller one(threads.at(0), address);
    const auto id = join(one, "127.0.0.1:7401");
    const auto all = nlohmann::json::parse(http("GET", "/getAllServers").body);
    EXPECT_EQ(all["servers"][0]["server_id"], id);
    const auto lock =
        http("POST", "/getLeaderElectionLock", {}, "{\"server_id\":" + std::to_string(id) + "}");
    EXPECT_EQ(nlohmann::json::parse(lock.body)["granted"], true);
    EXPECT_EQ(http("POST", "/releaseLeaderElectionLock", {}, "{not json").status, 400u);
    const auto fleet = nlohmann::json::parse(http("GET", "/fleet").body);
    EXPECT_EQ(fleet["servers"][0]["address"], "127.0.0.1:7401");
    EXPECT_EQ(fleet["restarts"], 0);
}

TEST_F(DispatcherServer, HasTheFolderForItself) {
    dispatcher_server second(threads, options);
    const auto bound = second.start();
    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error().message, HasSubstr("in use by process"));
}

TEST_F(DispatcherServer, ShowsAPage) {
    const auto page = http("GET", "/");
    EXPECT_EQ(page.status, 200u);
    EXPECT_THAT(page.content_type, HasSubstr("text/html"));
    EXPECT_THAT(page.body, HasSubstr("EventSource"));
}

} // namespace
} // namespace stadion::dispatcher
