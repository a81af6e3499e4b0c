#include "dispatcher/core/registry.hpp"
#include "test/dispatcher/core/front_end_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;
using balancer::connection_id;
using balancer::time_point;

constexpr time_point start{1000s};

// A fleet behind a bad network: heartbeats are lost, late, out of order, and so are their answers.
struct history {
    struct message {
        std::size_t server;
        v1::HeartbeatRequest request;
    };

    unsigned seed;
    std::mt19937 random{seed};
    registry fleet{{}, {}};
    std::vector<front_end> servers;
    std::vector<message> in_flight;
    std::vector<std::pair<std::size_t, std::string>> tickets; // handed out, not shown yet
    time_point now = start;

    std::size_t pick(std::size_t bound) { return random() % bound; }

    explicit history(unsigned chosen_seed) : seed(chosen_seed) {
        const std::size_t count = 2 + pick(4);
        for (std::size_t i = 0; i < count; ++i) {
            const auto request = join_request("host:" + std::to_string(i + 1));
            front_end server;
            server.id = fleet.join(request, connection_id::none, now)->server_id();
            EXPECT_TRUE(fleet.heartbeat(server.heartbeat(), connection_id::none, now));
            servers.push_back(server);
        }
    }

    void assign() {
        const auto answer = fleet.assign({}, now);
        ASSERT_TRUE(answer);
        ASSERT_NE(answer->backup().server_id(), answer->master().server_id());
        tickets.emplace_back(answer->master().server_id() - 1, answer->ticket());
    }

    std::string take_ticket(std::size_t index) {
        std::swap(tickets[index], tickets.back());
        auto ticket = std::move(tickets.back().second);
        tickets.pop_back();
        return ticket;
    }

    void send_heartbeat(std::size_t server) { in_flight.push_back({server, servers[server].heartbeat()}); }

    // Some are lost, those that arrive do so in any order, and some answers are lost.
    void receive_heartbeat() {
        if (in_flight.empty()) return;
        std::swap(in_flight[pick(in_flight.size())], in_flight.back());
        const message taken = std::move(in_flight.back());
        in_flight.pop_back();
        if (pick(4) == 0) return;
        ASSERT_TRUE(fleet.heartbeat(taken.request, connection_id::none, now));
        if (pick(4) != 0) servers[taken.server].answered(taken.request);
    }

    std::vector<std::uint64_t> counted() const {
        std::vector<std::uint64_t> loads;
        for (const auto& server : fleet.front_end_loads()) loads.push_back(server.clients);
        return loads;
    }

    void arrivals_only();
    void arrivals_and_resets();

    std::vector<std::uint64_t> truth() const {
        std::vector<std::uint64_t> loads;
        for (const auto& server : servers) loads.push_back(server.clients);
        for (const auto& [server, ticket] : tickets) ++loads[server];
        return loads;
    }
};

void history::arrivals_only() {
    for (int step = 0; step < 1500; ++step) {
        now += std::chrono::microseconds(pick(1000));
        switch (pick(4)) {
        case 0:
            assign();
            break;
        case 1:
            if (!tickets.empty()) {
                const std::size_t index = pick(tickets.size());
                const std::size_t master = tickets[index].first;
                servers[master].register_client(take_ticket(index));
            }
            break;
        case 2:
            send_heartbeat(pick(servers.size()));
            break;
        default:
            receive_heartbeat();
        }
        const auto loads = counted();
        ASSERT_EQ(loads, truth()) << "seed " << seed << " step " << step;
        const auto [least, most] = std::minmax_element(loads.begin(), loads.end());
        ASSERT_LE(*most - *least, 1u) << "seed " << seed << " step " << step;
    }
}

void history::arrivals_and_resets() {
    for (int round = 0; round < 30; ++round) {
        for (int step = 0; step < 100; ++step) {
            now += std::chrono::microseconds(pick(500));
            front_end& someone = servers[pick(servers.size())];
            switch (pick(6)) {
            case 0:
            case 1:
                assign();
                break;
            case 2: // also at a server that is not the ticket's master
                if (!tickets.empty()) someone.register_client(take_ticket(pick(tickets.size())));
                break;
            case 3:
                someone.clients -= static_cast<std::uint32_t>(pick(someone.clients + 1));
                break;
            case 4:
                send_heartbeat(pick(servers.size()));
                break;
            default:
                receive_heartbeat();
            }
        }
        for (auto& server : servers) {
            const auto request = server.heartbeat();
            ASSERT_TRUE(fleet.heartbeat(request, connection_id::none, now));
        }
        ASSERT_EQ(counted(), truth()) << "seed " << seed << " round " << round;
    }
}

TEST(RegistryHistory, LoadsAreExactAtEveryMomentAndSpreadByAtMostOne) {
    for (unsigned seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed)
        history(seed).arrivals_only();
}

TEST(RegistryHistory, CountsHealWithOneHeartbeatEachAfterResetsAndFailovers) {
    for (unsigned seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed)
        history(seed).arrivals_and_resets();
}

} // namespace
} // namespace stadion::dispatcher
