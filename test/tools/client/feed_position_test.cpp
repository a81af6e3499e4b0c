#include "tools/client/feed_position.hpp"

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
    feed_position position({0, 5});
    EXPECT_TRUE(position.take(score(6)));
    EXPECT_TRUE(position.take(score(9)));
    EXPECT_EQ(position.resume_from().sequence, 9u);
}

TEST(feed_position, what_was_seen_is_no_news) {
    feed_position position({0, 5});
    EXPECT_FALSE(position.take(score(5)));
    EXPECT_TRUE(position.take(score(6)));
    EXPECT_FALSE(position.take(score(6)));
    EXPECT_EQ(position.resume_from().sequence, 6u);
}

TEST(feed_position, a_snapshot_counts_once_its_last_state_has_come) {
    feed_position position;
    EXPECT_FALSE(position.take(reset(100, 2)));
    EXPECT_TRUE(position.take(score(40)));
    EXPECT_EQ(position.resume_from().sequence, 0u);
    EXPECT_TRUE(position.take(score(90)));
    EXPECT_EQ(position.resume_from().sequence, 100u);
    EXPECT_TRUE(position.take(score(101)));
}

TEST(feed_position, a_snapshot_cut_off_is_asked_for_again) {
    feed_position position({0, 7});
    position.take(reset(100, 3));
    position.take(score(40));
    position.restart();
    EXPECT_EQ(position.resume_from().sequence, 7u);
    EXPECT_TRUE(position.take(score(101))); // the next server still had everything after 7
    EXPECT_EQ(position.resume_from().sequence, 101u);
}

TEST(feed_position, a_reset_says_which_board_it_is_of_and_sequences_before_it_count_no_more) {
    feed_position position({1, 100});
    auto anew = reset(40, 1);
    anew.mutable_reset()->set_board(2);
    position.take(anew);
    EXPECT_EQ(position.resume_from(), (wire::position{1, 100})); // not whole yet
    EXPECT_TRUE(position.take(score(40)));
    EXPECT_EQ(position.resume_from(), (wire::position{2, 40}));
    EXPECT_TRUE(position.take(score(41)));
}

TEST(feed_position, who_has_seen_nothing_begins_on_the_board_there_is) {
    feed_position position;
    position.is_on(7);
    EXPECT_TRUE(position.take(score(3)));
    position.is_on(8);
    EXPECT_EQ(position.resume_from(), (wire::position{7, 3}));
}

TEST(feed_position, an_empty_snapshot_is_complete_at_once) {
    feed_position position;
    EXPECT_FALSE(position.take(reset(3, 0)));
    EXPECT_EQ(position.resume_from().sequence, 3u);
    EXPECT_EQ(position.resets(), 1u);
}

} // namespace
} // namespace stadion::tools
