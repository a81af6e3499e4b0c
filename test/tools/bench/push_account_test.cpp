#include "tools/bench/push_account.hpp"

#include "wire/proto/board.pb.h"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

TEST(push_account, counts_every_delivery_and_not_only_the_youngest) {
    push_account account(1);
    // One read brings ten events, the oldest of which were made long before it.
    for (int i = 0; i < 10; ++i)
        account.delivered(static_cast<std::uint64_t>(i + 1), microseconds(10'000 - 1'000 * i), true);
    EXPECT_EQ(account.to_each().count(), 10u);
    EXPECT_GE(account.to_each().percentile(50), 5ms);
    EXPECT_GE(account.to_each().percentile(99), 10ms);
}

TEST(push_account, an_event_has_arrived_when_the_last_subscriber_has_it) {
    push_account account(3);
    account.delivered(7, 1ms, true);
    account.delivered(7, 50ms, true);
    EXPECT_EQ(account.to_last().count(), 0u);
    account.delivered(7, 2ms, true);
    ASSERT_EQ(account.to_last().count(), 1u);
    EXPECT_GE(account.to_last().percentile(50), 50ms);
    EXPECT_EQ(account.to_each().count(), 3u);
}

TEST(push_account, what_is_not_measured_is_followed_and_not_counted) {
    push_account account(2);
    account.delivered(1, 1ms, false);
    account.delivered(1, 4ms, true); // the time that counts has begun in between
    EXPECT_EQ(account.to_each().count(), 1u);
    EXPECT_EQ(account.to_last().count(), 1u);
    account.delivered(2, 1ms, true);
    account.delivered(2, 1ms, false);
    EXPECT_EQ(account.to_last().count(), 1u);
}

TEST(push_account, events_that_somebody_never_got_are_counted_apart) {
    push_account account(2);
    for (std::uint64_t sequence = 1; sequence <= 2 * push_account::events_kept; ++sequence) {
        account.delivered(sequence, 1ms, true);
        if (sequence % 4 != 0) account.delivered(sequence, 1ms, true);
    }
    EXPECT_EQ(account.to_last().count(), push_account::events_kept / 2 * 3);
    EXPECT_EQ(account.not_to_all(), push_account::events_kept / 4) << "of those that have been overtaken";
}

TEST(push_account, the_sequence_is_read_off_the_event) {
    for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{300}, ~std::uint64_t{0}}) {
        v1::Event event;
        event.set_sequence(sequence);
        event.set_topic("games/hockey");
        EXPECT_EQ(sequence_of_event(event.SerializeAsString()), sequence);
    }
    EXPECT_EQ(sequence_of_event(""), std::nullopt);
    EXPECT_EQ(sequence_of_event("eeee"), std::nullopt);
    EXPECT_EQ(sequence_of_event("\x08\xff"), std::nullopt);
}

} // namespace
} // namespace stadion::tools
