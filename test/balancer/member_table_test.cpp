#include "balancer/member_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace stadion::balancer {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};

join_event front_end_at(std::string address, std::uint32_t pid = 1, std::uint32_t wanted = 0) {
    join_event event;
    event.kind = "frontend";
    event.address = std::move(address);
    event.capacity = 100;
    event.pid = pid;
    event.wanted = server_id{wanted};
    return event;
}

heartbeat_event beat(server_id id, std::uint64_t sequence, std::uint32_t clients = 0,
                     server_state state = server_state::up) {
    heartbeat_event event;
    event.id = id;
    event.sequence = sequence;
    event.clients = clients;
    event.capacity = 100;
    event.state = state;
    return event;
}

class MemberTable : public testing::Test {
protected:
    member_table table{{1000ms, 3}, 7, server_id{1}};

    server_id join(const join_event& event, time_point now = start) { return table.join(event, now).id; }
};

TEST_F(MemberTable, CountsIdsFromTheFirstOne) {
    EXPECT_EQ(join(front_end_at("a:1")), server_id{1});
    EXPECT_EQ(join(front_end_at("b:1")), server_id{2});
    EXPECT_EQ(table.next_id(), server_id{3});
}

TEST_F(MemberTable, AServerStartsAndIsUpWhenItSaysSo) {
    const server_id id = join(front_end_at("a:1"));
    EXPECT_EQ(table.find(id)->state, server_state::starting);
    ASSERT_TRUE(table.heartbeat(beat(id, 1, 5), start));
    EXPECT_EQ(table.find(id)->state, server_state::up);
    EXPECT_EQ(table.find(id)->clients, 5u);
}

TEST_F(MemberTable, TheViewChangesWithMembershipAndStateOnly) {
    const server_id id = join(front_end_at("a:1"));
    EXPECT_EQ(table.view_number(), 8u);
    ASSERT_TRUE(table.heartbeat(beat(id, 1), start));
    EXPECT_EQ(table.view_number(), 9u);
    ASSERT_TRUE(table.heartbeat(beat(id, 2, 50), start));
    EXPECT_EQ(table.view_number(), 9u);
    ASSERT_TRUE(table.heartbeat(beat(id, 3, 50, server_state::draining), start));
    EXPECT_EQ(table.view_number(), 10u);
    ASSERT_TRUE(table.leave(id));
    EXPECT_EQ(table.view_number(), 11u);
}

TEST_F(MemberTable, KeepsAFreeIdThatIsWantedAndNeverGivesItToAnother) {
    EXPECT_EQ(join(front_end_at("a:1", 1, 4)), server_id{4});
    EXPECT_EQ(join(front_end_at("b:1", 2, 2)), server_id{2});
    EXPECT_EQ(join(front_end_at("c:1", 3, 4)), server_id{5}) << "4 is taken";
    EXPECT_EQ(join(front_end_at("d:1", 4, 0xffffffff)), server_id{6}) << "would use up the numbers";
}

TEST_F(MemberTable, ANewProcessAtTheSameAddressReplacesTheOldOne) {
    const server_id old = join(front_end_at("a:1", 1));
    const auto outcome = table.join(front_end_at("a:1", 2), start);
    EXPECT_NE(outcome.id, old);
    ASSERT_TRUE(outcome.replaced);
    EXPECT_EQ(outcome.replaced->last.id, old);
    EXPECT_EQ(outcome.replaced->last.state, server_state::down);
    EXPECT_EQ(outcome.replaced->reason, departure_reason::replaced);
    EXPECT_EQ(table.members().size(), 1u);
}

TEST_F(MemberTable, TheSameServerJoiningAgainStaysWhoItIs) {
    const server_id id = join(front_end_at("a:1"));
    ASSERT_TRUE(table.heartbeat(beat(id, 90), start));
    const auto outcome = table.join(front_end_at("a:1", 1, number(id)), start);
    EXPECT_EQ(outcome.id, id);
    EXPECT_FALSE(outcome.replaced);
    ASSERT_TRUE(table.heartbeat(beat(id, 1, 3), start)) << "its heartbeats may be numbered anew";
    EXPECT_EQ(table.find(id)->clients, 3u);
}

TEST_F(MemberTable, AnUnknownServerHasToJoin) {
    EXPECT_FALSE(table.heartbeat(beat(server_id{1}, 1), start));
    EXPECT_FALSE(table.leave(server_id{1}));
    EXPECT_EQ(table.find(server_id{1}), nullptr);
}

TEST_F(MemberTable, AnOlderHeartbeatChangesNothingButProvesLife) {
    const server_id id = join(front_end_at("a:1"));
    ASSERT_TRUE(table.heartbeat(beat(id, 5, 50), start));
    ASSERT_TRUE(table.heartbeat(beat(id, 4, 40, server_state::draining), start + 2s));
    EXPECT_EQ(table.find(id)->clients, 50u);
    EXPECT_EQ(table.find(id)->state, server_state::up);
    EXPECT_EQ(table.find(id)->heard_at, start + 2s);
}

TEST_F(MemberTable, UnnumberedHeartbeatsAlwaysCount) {
    const server_id id = join(front_end_at("a:1"));
    ASSERT_TRUE(table.heartbeat(beat(id, 0, 1), start));
    ASSERT_TRUE(table.heartbeat(beat(id, 0, 2), start));
    EXPECT_EQ(table.find(id)->clients, 2u);
}

TEST_F(MemberTable, RemovesWhoIsSilentForAllMisses) {
    const server_id silent = join(front_end_at("a:1"));
    const server_id lively = join(front_end_at("b:1"));
    for (auto now = start; now < start + 3s; now += 250ms) {
        EXPECT_THAT(table.tick(now), testing::IsEmpty());
        ASSERT_TRUE(table.heartbeat(beat(lively, 0), now));
    }
    const auto gone = table.tick(start + 3s);
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].last.id, silent);
    EXPECT_EQ(gone[0].last.state, server_state::down);
    EXPECT_EQ(gone[0].reason, departure_reason::silent);
    EXPECT_FALSE(table.heartbeat(beat(silent, 1), start + 3s)) << "it has to join again";
    EXPECT_NE(table.find(lively), nullptr);
}

TEST_F(MemberTable, APauseOfTheDispatcherIsNobodysSilence) {
    const server_id id = join(front_end_at("a:1"));
    EXPECT_THAT(table.tick(start + 100ms), testing::IsEmpty());
    EXPECT_THAT(table.tick(start + 60s), testing::IsEmpty());
    auto now = start + 60s;
    while (table.find(id) && now < start + 100s) table.tick(now += 250ms);
    EXPECT_EQ(now, start + 62'750ms) << "from then on it counts, 350 ms of silence from before included";
}

TEST_F(MemberTable, HoweverLateItIsItselfThatIsNobodysSilence) {
    const server_id id = join(front_end_at("a:1"));
    auto now = start;
    table.tick(now);
    while (table.find(id) && now < start + 100s) table.tick(now += 400ms); // each 150 ms late
    EXPECT_EQ(now, start + 4'800ms) << "twelve intervals of 250 ms";
}

TEST_F(MemberTable, TakesInWhatWaitedBeforeItJudges) {
    const server_id id = join(front_end_at("a:1"));
    auto now = start;
    for (table.tick(now); now < start + 2'750ms;) table.tick(now += 250ms);
    EXPECT_THAT(table.tick(now += 800ms), testing::IsEmpty()) << "its heartbeat may be waiting unread";
    ASSERT_TRUE(table.heartbeat(beat(id, 1), now));
    EXPECT_THAT(table.tick(now += 250ms), testing::IsEmpty());
    EXPECT_NE(table.find(id), nullptr);
}

TEST_F(MemberTable, ALostConnectionTakesItsServersOnly) {
    auto event = front_end_at("a:1");
    event.connection = connection_id{10};
    const server_id lost = join(event);
    event = front_end_at("b:1");
    event.connection = connection_id{11};
    const server_id kept = join(event);
    const auto gone = table.connection_lost(connection_id{10});
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].last.id, lost);
    EXPECT_EQ(gone[0].reason, departure_reason::connection_lost);
    EXPECT_NE(table.find(kept), nullptr);
}

TEST_F(MemberTable, LosingTheOldConnectionLateDoesNoHarm) {
    auto event = front_end_at("a:1");
    event.connection = connection_id{10};
    const server_id rejoined = join(event);
    event.wanted = rejoined;
    event.connection = connection_id{20};
    ASSERT_EQ(join(event), rejoined);
    EXPECT_THAT(table.connection_lost(connection_id{10}), testing::IsEmpty());

    auto heartbeat = beat(rejoined, 1);
    heartbeat.connection = connection_id{30};
    ASSERT_TRUE(table.heartbeat(heartbeat, start));
    EXPECT_THAT(table.connection_lost(connection_id{20}), testing::IsEmpty());
    EXPECT_THAT(table.connection_lost(connection_id{30}), testing::SizeIs(1));
}

TEST_F(MemberTable, ConnectionNoneIsNeverLost) {
    join(front_end_at("a:1"));
    EXPECT_THAT(table.connection_lost(connection_id::none), testing::IsEmpty());
}

TEST_F(MemberTable, ADrainOrderHoldsBeforeTheServerHasHeardOfIt) {
    const server_id id = join(front_end_at("a:1"));
    ASSERT_TRUE(table.heartbeat(beat(id, 1), start));
    ASSERT_TRUE(table.give_order(id, server_order::drain));
    EXPECT_EQ(table.find(id)->state, server_state::draining);
    ASSERT_TRUE(table.heartbeat(beat(id, 2), start)) << "sent before it heard";
    EXPECT_EQ(table.find(id)->state, server_state::draining);

    join(front_end_at("a:1", 1, number(id)));
    EXPECT_EQ(table.find(id)->state, server_state::draining) << "the same process on a new connection";

    ASSERT_TRUE(table.give_order(id, server_order::none));
    ASSERT_TRUE(table.heartbeat(beat(id, 1), start));
    EXPECT_EQ(table.find(id)->state, server_state::up);
    EXPECT_FALSE(table.give_order(server_id{99}, server_order::drain));
}

// Random histories against what may be said of any of them.
void run_history(unsigned seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned bound) { return static_cast<std::uint32_t>(random() % bound); };
    member_table table{{1000ms, 3}, 1, server_id{1}};
    time_point now = start, ticked = start;
    table.tick(now);
    std::map<server_id, time_point> last_heard;

    for (int step = 0; step < 2000; ++step) {
        const auto before = table.view_number();
        const auto next_before = table.next_id();
        std::map<server_id, server_state> states_before;
        for (const auto& [id, server] : table.members()) states_before[id] = server.state;

        now += std::chrono::milliseconds(pick(500));
        const server_id someone{pick(12)};
        switch (pick(6)) {
        case 0: {
            auto event = front_end_at("host:" + std::to_string(pick(8)), pick(3), pick(12));
            event.connection = connection_id{pick(5)};
            const server_id id = table.join(event, now).id;
            EXPECT_TRUE(states_before.contains(id) || id == event.wanted || id == next_before);
            last_heard[id] = now;
            break;
        }
        case 1:
            table.leave(someone);
            break;
        case 2:
            table.connection_lost(connection_id{pick(5)});
            break;
        case 3:
            table.give_order(someone, static_cast<server_order>(pick(3)));
            break;
        default: {
            auto event = beat(someone, pick(50), pick(100), static_cast<server_state>(pick(3)));
            event.connection = connection_id{pick(5)};
            if (table.heartbeat(event, now)) last_heard[someone] = now;
        }
        }
        const auto late = std::max<time_point::duration>(now - ticked - 250ms, 0ms);
        ticked = now;
        for (auto& [id, heard] : last_heard) heard = std::min(now, heard + late);
        for (const departure& gone : table.tick(now)) EXPECT_GE(now - last_heard[gone.last.id], 3s);

        std::map<server_id, server_state> states_after;
        std::set<std::string> addresses;
        for (const auto& [id, server] : table.members()) {
            states_after[id] = server.state;
            EXPECT_EQ(id, server.id);
            EXPECT_LT(id, table.next_id());
            EXPECT_NE(server.state, server_state::down);
            EXPECT_LT(now - last_heard[id], 3s);
            EXPECT_TRUE(addresses.insert(server.address).second) << "two servers at " << server.address;
        }
        EXPECT_GE(table.next_id(), next_before);
        EXPECT_GE(table.view_number(), before);
        EXPECT_TRUE(states_before == states_after || table.view_number() > before);
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << " step " << step;
    }
}

TEST_F(MemberTable, KeepsItsInvariantsInAnyHistory) {
    for (unsigned seed = 1; seed <= 100 && !HasFatalFailure(); ++seed) run_history(seed);
}

} // namespace
} // namespace stadion::balancer
