#include "net/rpc/reconnection.hpp"

#include <gtest/gtest.h>

#include <set>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

TEST(reconnection, tries_all_addresses_without_a_pause_then_pauses_longer_and_longer_up_to_a_bound) {
    reconnection where(20ms, 1000ms);
    where.set_addresses({"a", "b"});
    std::mt19937 random(1);
    EXPECT_EQ(where.attempt(), "a");
    where.fails();
    EXPECT_EQ(where.pause(random), 0ms);
    EXPECT_EQ(where.attempt(), "b");
    where.fails();
    std::chrono::milliseconds most{};
    for (int failures = 2; failures < 20; ++failures) {
        const auto bound = std::min<std::chrono::milliseconds>(20ms * (1 << std::min(failures, 10)), 1000ms);
        for (int i = 0; i < 200; ++i) {
            const auto pause = where.pause(random);
            EXPECT_GE(pause, 10ms);
            EXPECT_LE(pause, bound);
            most = std::max(most, pause);
        }
        EXPECT_EQ(where.attempt(), failures % 2 == 0 ? "a" : "b");
        where.fails();
    }
    EXPECT_GT(most, 900ms);
    where.serves();
    EXPECT_EQ(where.pause(random), 0ms);
}

TEST(reconnection, a_server_that_leaves_is_not_the_next_one) {
    reconnection where(20ms, 1000ms);
    where.set_addresses({"a", "b"});
    where.attempt();
    where.serves();
    where.leaves();
    EXPECT_EQ(where.attempt(), "b");
}

TEST(reconnection, another_list_begins_with_its_first_and_knows_whether_it_has_the_current_one) {
    reconnection where(20ms, 1000ms);
    where.set_addresses({"a", "b"});
    where.attempt();
    where.fails();
    where.set_addresses({"c", "a"});
    EXPECT_TRUE(where.includes_current());
    EXPECT_EQ(where.attempt(), "c");
    where.set_addresses({"b"});
    EXPECT_FALSE(where.includes_current());
    where.set_addresses({});
    EXPECT_TRUE(where.is_empty());
}

// A thousand clients of one server must not come back as one.
TEST(reconnection, pauses_are_spread) {
    std::mt19937 random(7);
    std::set<std::int64_t> pauses;
    for (int i = 0; i < 1000; ++i) {
        reconnection where(20ms, 1000ms);
        where.set_addresses({"a"});
        for (int failures = 0; failures < 8; ++failures) where.attempt(), where.fails();
        pauses.insert(where.pause(random).count());
    }
    EXPECT_GT(pauses.size(), 500u);
}

} // namespace
} // namespace stadion::net
