#include "balancer/least_loaded.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace stadion::balancer {
namespace {

candidate server(std::uint32_t id, std::uint64_t clients, std::uint32_t capacity = 100) {
    return {server_id{id}, clients, capacity};
}

TEST(LeastLoaded, TakesTheFewestClients) {
    EXPECT_EQ(least_loaded(std::vector{server(1, 5), server(2, 3), server(3, 4)}), server_id{2});
}

TEST(LeastLoaded, BreaksTiesByTheLowerIdWhateverTheOrder) {
    EXPECT_EQ(least_loaded(std::vector{server(3, 2), server(2, 2), server(4, 2)}), server_id{2});
}

TEST(LeastLoaded, PassesOverTheFull) {
    EXPECT_EQ(least_loaded(std::vector{server(1, 1, 1), server(2, 90), server(3, 0, 0)}), server_id{2});
    EXPECT_EQ(least_loaded(std::vector{server(1, 1, 1), server(2, 101)}), std::nullopt);
    EXPECT_EQ(least_loaded({}), std::nullopt);
}

TEST(RoundRobin, SpreadsRequestsOverEquals) {
    round_robin turns;
    const std::vector fleet{server(1, 7), server(2, 7), server(4, 7)};
    std::map<server_id, int> got;
    for (int i = 0; i < 300; ++i) ++got[turns.next(fleet).value()];
    EXPECT_EQ(got, (std::map<server_id, int>{{server_id{1}, 100}, {server_id{2}, 100}, {server_id{4}, 100}}));
}

TEST(RoundRobin, PrefersFewerClientsAndIgnoresCapacity) {
    round_robin turns;
    const std::vector fleet{server(1, 7), server(2, 5, 0), server(3, 7)};
    EXPECT_EQ(turns.next(fleet), server_id{2});
    EXPECT_EQ(turns.next(fleet), server_id{2});
    EXPECT_EQ(turns.next({}), std::nullopt);
}

TEST(RoundRobin, GoesOnWhenTheLastChosenIsGone) {
    round_robin turns;
    ASSERT_EQ(turns.next(std::vector{server(1, 0), server(3, 0)}), server_id{1});
    ASSERT_EQ(turns.next(std::vector{server(1, 0), server(3, 0)}), server_id{3});
    EXPECT_EQ(turns.next(std::vector{server(1, 0), server(2, 0)}), server_id{1});
}

} // namespace
} // namespace stadion::balancer
