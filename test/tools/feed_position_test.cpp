#include "tools/feed_position.hpp"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

v1::Event score(std::uint64_t sequence) {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_score();
    return event;
}

v1::Event reset(std::uint64_t sequence, std::uint32_t states) {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_reset()->set_states(states);
    return event;
}

TEST(feed_position, follows_the_events) {
    feed_position position(5);
    EXPECT_TRUE(position.take(score(6)));
    EXPECT_TRUE(position.take(score(9)));
    EXPECT_EQ(position.resume_from(), 9u);
}

TEST(feed_position, what_was_seen_is_no_news) {
    feed_position position(5);
    EXPECT_FALSE(position.take(score(5)));
    EXPECT_TRUE(position.take(score(6)));
    EXPECT_FALSE(position.take(score(6)));
    EXPECT_EQ(position.resume_from(), 6u);
}

TEST(feed_position, a_snapshot_counts_once_its_last_state_has_come) {
    feed_position position;
    EXPECT_FALSE(position.take(reset(100, 2)));
    EXPECT_TRUE(position.take(score(40)));
    EXPECT_EQ(position.resume_from(), 0u);
    EXPECT_TRUE(position.take(score(90)));
    EXPECT_EQ(position.resume_from(), 100u);
    EXPECT_TRUE(position.take(score(101)));
}

TEST(feed_position, a_snapshot_cut_off_is_asked_for_again) {
    feed_position position(7);
    position.take(reset(100, 3));
    position.take(score(40));
    position.restart();
    EXPECT_EQ(position.resume_from(), 7u);
    EXPECT_TRUE(position.take(score(101))); // the next server still had everything after 7
    EXPECT_EQ(position.resume_from(), 101u);
}

TEST(feed_position, an_empty_snapshot_is_complete_at_once) {
    feed_position position;
    EXPECT_FALSE(position.take(reset(3, 0)));
    EXPECT_EQ(position.resume_from(), 3u);
    EXPECT_EQ(position.resets(), 1u);
}

} // namespace
} // namespace stadion::tools
