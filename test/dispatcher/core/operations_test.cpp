#include "dispatcher/core/operations.hpp"

#include <gtest/gtest.h>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;

constexpr operations::time_point start{1000s};

operations::answer answer_of(std::string body) { return {200, "application/json", std::move(body), {}}; }

class Operations : public testing::Test {
protected:
    operations make(operations::settings limits) {
        return {limits, [this] { return "id-" + std::to_string(++made); }};
    }
    int made = 0;
};

TEST_F(Operations, RunUntilTheyHaveAnAnswer) {
    auto table = make({});
    const auto id = table.begin(start);
    ASSERT_TRUE(id);
    ASSERT_TRUE(table.find(*id, start));
    EXPECT_FALSE(table.find(*id, start)->result);
    table.end(*id, answer_of("done"), start + 1s);
    ASSERT_TRUE(table.find(*id, start + 2s));
    EXPECT_EQ(table.find(*id, start + 2s)->result->body, "done");
    EXPECT_FALSE(table.find("another", start));
}

TEST_F(Operations, AreForgottenSomeTimeAfterTheirEnd) {
    auto table = make({.keep_for = 60s});
    const auto id = table.begin(start);
    table.end(*id, answer_of("done"), start + 100s);
    EXPECT_TRUE(table.find(*id, start + 160s));
    EXPECT_FALSE(table.find(*id, start + 161s));
}

TEST_F(Operations, ThatRunAreNeverForgotten) {
    auto table = make({.keep_for = 60s});
    const auto id = table.begin(start);
    EXPECT_TRUE(table.find(*id, start + 1000s));
}

TEST_F(Operations, MakeRoomByForgettingTheOldestThatEnded) {
    auto table = make({.count_max = 2});
    const auto first = table.begin(start), second = table.begin(start);
    const auto refused = table.begin(start);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, wire::status::resource_exhausted);
    EXPECT_GT(refused.error().retry_after.count(), 0);
    table.end(*second, answer_of("done"), start);
    const auto third = table.begin(start);
    ASSERT_TRUE(third);
    EXPECT_TRUE(table.find(*first, start));
    EXPECT_FALSE(table.find(*second, start));
}

TEST_F(Operations, KeepNoMoreBytesThanTheirBoundButAlwaysTheNewest) {
    auto table = make({.bytes_max = 10});
    const auto first = table.begin(start), second = table.begin(start);
    table.end(*first, answer_of("12345678"), start);
    table.end(*second, answer_of("123456789012"), start);
    EXPECT_FALSE(table.find(*first, start));
    EXPECT_TRUE(table.find(*second, start));
}

TEST_F(Operations, EndOnce) {
    auto table = make({});
    const auto id = table.begin(start);
    table.end(*id, answer_of("first"), start);
    table.end(*id, answer_of("second"), start);
    EXPECT_EQ(table.find(*id, start)->result->body, "first");
}

} // namespace
} // namespace stadion::dispatcher
