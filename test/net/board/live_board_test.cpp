#include "test/net/board/board_events.hpp"

#include "net/board/board_set.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using kind = board_subscriber::start_kind;

// Everything runs on this thread; the worker's loop runs only where time must pass.
class live_board_test : public testing::Test, protected watched_board {
protected:
    void replace(std::uint64_t sequence, event_batch states, std::uint64_t board = 0) {
        board_snapshot now;
        now.board = board;
        now.sequence = sequence;
        now.states = std::move(states);
        live.replace(now);
    }
    live_board::request from(std::uint64_t since, std::vector<std::string> topics = {}) {
        live_board::request wanted;
        wanted.filter = wire::topic_filter(std::move(topics));
        wanted.since = {0, since};
        return wanted;
    }

    watcher one;
};

TEST_F(live_board_test, a_newcomer_gets_the_states_then_what_happens) {
    apply(1, 3, "hockey");
    apply(4, 4, "curling");
    const auto watching = live.subscribe(one, from(0));
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot));
    EXPECT_THAT(one.snapshot, ElementsAre(3, 4));
    EXPECT_EQ(one.started_at, 4u);
    apply(5, 6);
    EXPECT_THAT(one.got, ElementsAre(5, 6));
}

TEST_F(live_board_test, resuming_misses_nothing_and_repeats_nothing) {
    apply(1, 10);
    const auto watching = live.subscribe(one, from(7));
    EXPECT_THAT(one.starts, ElementsAre(kind::resumed));
    apply(11, 11);
    EXPECT_THAT(one.got, ElementsAre(8, 9, 10, 11));
}

TEST_F(live_board_test, one_who_has_seen_more_than_this_board_waits_for_it) {
    apply(1, 5);
    const auto watching = live.subscribe(one, from(8));
    apply(6, 10);
    EXPECT_THAT(one.starts, ElementsAre(kind::resumed));
    EXPECT_THAT(one.got, ElementsAre(9, 10));
}

TEST_F(live_board_test, a_resumption_beyond_what_is_held_is_a_reset) {
    replace(20, {score(20, "hockey")});
    const auto watching = live.subscribe(one, from(7));
    EXPECT_THAT(one.starts, ElementsAre(kind::reset));
    EXPECT_THAT(one.snapshot, ElementsAre(20));
}

TEST_F(live_board_test, topics_are_filtered) {
    const auto watching = live.subscribe(one, from(0, {"games/curling"}));
    apply(1, 2, "hockey");
    apply(3, 3, "curling");
    EXPECT_THAT(one.got, ElementsAre(3));
}

TEST_F(live_board_test, a_slow_subscriber_gets_only_the_newest_per_topic) {
    const auto watching = live.subscribe(one, from(0));
    one.room = 2;
    apply(1, 2, "hockey"); // now it is congested
    apply(3, 9, "hockey");
    apply(10, 12, "curling");
    EXPECT_THAT(one.got, ElementsAre(1, 2));
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(1, 2, 9, 12));
    apply(13, 13);
    EXPECT_THAT(one.got, ElementsAre(1, 2, 9, 12, 13));
}

TEST_F(live_board_test, a_lossless_subscriber_gets_everything_however_slow) {
    auto wanted = from(0);
    wanted.lossless = true;
    const auto watching = live.subscribe(one, wanted);
    one.room = 2;
    apply(1, 9);
    EXPECT_THAT(one.got, ElementsAre(1, 2));
    one.room = 3;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(1, 2, 3, 4, 5));
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(live_board_test, a_long_resumption_goes_in_steps_without_loss) {
    apply(1, 9);
    one.room = 2;
    const auto watching = live.subscribe(one, from(1));
    EXPECT_THAT(one.got, ElementsAre(2, 3));
    apply(10, 10);
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST_F(live_board_test, a_snapshot_after_a_gap_is_a_reset_for_who_was_up_to_date) {
    apply(1, 5);
    const auto watching = live.subscribe(one, from(5));
    replace(30, {score(5, "hockey"), score(30, "curling")});
    EXPECT_THAT(one.starts, ElementsAre(kind::resumed, kind::reset));
    EXPECT_THAT(one.snapshot, ElementsAre(5, 30));
    EXPECT_EQ(one.started_at, 30u);
    apply(31, 31);
    EXPECT_THAT(one.got, ElementsAre(31));
}

TEST_F(live_board_test, a_snapshot_that_skips_nothing_is_not_noticed) {
    apply(1, 5);
    const auto watching = live.subscribe(one, from(5));
    replace(5, {score(5, "hockey")});
    apply(6, 6);
    EXPECT_THAT(one.starts, ElementsAre(kind::resumed));
    EXPECT_THAT(one.got, ElementsAre(6));
}

TEST_F(live_board_test, another_board_begins_everybody_anew_and_its_sequences_may_be_lower) {
    replace(9, {score(9, "hockey")}, 1);
    watcher slow;
    const auto watching = live.subscribe(one, from(0));
    const auto slow_watching = live.subscribe(slow, from(0));
    slow.room = 0;
    replace(4, {score(3, "hockey"), score(4, "curling")}, 2);
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot, kind::reset));
    EXPECT_EQ(one.started_at, 4u);
    EXPECT_THAT(slow.starts, ElementsAre(kind::snapshot)); // it is congested before the board is sent
    apply(5, 5);
    EXPECT_THAT(one.got, ElementsAre(5));
    slow.room = SIZE_MAX;
    slow_watching->resume();
    EXPECT_THAT(slow.starts, ElementsAre(kind::snapshot, kind::reset));
    EXPECT_EQ(slow.started_at, 5u);
    apply(6, 6);
    EXPECT_THAT(slow.got, ElementsAre(6));
    EXPECT_EQ(live.position(board_view::live), (wire::position{2, 6}));
}

TEST_F(live_board_test, the_same_states_may_become_another_board) {
    replace(9, {score(9, "hockey")}, 1);
    const auto watching = live.subscribe(one, from(0));
    live.rename(1);
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot));
    live.rename(2);
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot, kind::reset));
    apply(10, 10);
    EXPECT_THAT(one.got, ElementsAre(10));
}

TEST_F(live_board_test, a_place_on_another_board_is_answered_by_a_reset_and_one_on_this_is_resumed) {
    replace(4, {score(4, "hockey")}, 2);
    apply(5, 6);
    auto wanted = from(5);
    wanted.since.board = 2;
    const auto resumed = live.subscribe(one, wanted);
    EXPECT_THAT(one.got, ElementsAre(6));
    for (const std::uint64_t since : {5, 6, 900}) {
        watcher other;
        wanted.since = {1, since};
        const auto begun = live.subscribe(other, wanted);
        EXPECT_THAT(other.starts, ElementsAre(kind::reset)) << since;
        EXPECT_EQ(other.started_at, 6u);
    }
}

TEST_F(live_board_test, who_has_been_where_nobody_has_gets_a_reset_once_that_is_known) {
    std::vector<std::uint64_t> asked;
    live.ask_head = [&](std::uint64_t sequence) { asked.push_back(sequence); };
    std::atomic<std::uint64_t> inquiries{3};
    live.inquiries = &inquiries;
    apply(1, 5);
    watcher ahead, beyond;
    const auto one_watching = live.subscribe(ahead, from(8));
    const auto other_watching = live.subscribe(beyond, from(900));
    EXPECT_THAT(asked, ElementsAre(8, 900));
    live.on_head(7, 3); // this inquiry began before they waited
    EXPECT_THAT(beyond.starts, IsEmpty());
    live.on_head(8, 4);
    EXPECT_THAT(beyond.starts, ElementsAre(kind::reset));
    EXPECT_EQ(beyond.started_at, 5u);
    EXPECT_THAT(ahead.starts, IsEmpty()); // this board is behind
    apply(6, 9);
    EXPECT_THAT(ahead.starts, ElementsAre(kind::resumed));
    EXPECT_THAT(ahead.got, ElementsAre(9));
    EXPECT_THAT(beyond.got, ElementsAre(6, 7, 8, 9));
}

TEST_F(live_board_test, a_subscription_may_end_before_its_place_is_known) {
    auto watching = live.subscribe(one, from(8));
    watching.reset();
    apply(1, 9);
    EXPECT_THAT(one.starts, IsEmpty());
}

TEST_F(live_board_test, readers_of_another_board_or_of_what_never_was_get_the_newest_there_is) {
    std::vector<std::string> answers;
    const auto read = [&](wire::position seen) {
        live.when_seen(seen, 10s, [&](wire::result<void> outcome) {
            answers.push_back(outcome ? "newest" : outcome.error().message);
        });
    };
    read({0, 0});
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_NE(answers[0].find("not arrived"), std::string::npos);
    answers.clear();
    replace(5, {score(5, "hockey")}, 2);
    read({2, 5});
    read({0, 5});
    read({1, 900});
    EXPECT_THAT(answers, ElementsAre("newest", "newest", "newest"));
    read({2, 900});
    read({0, 7});
    EXPECT_EQ(answers.size(), 3u);
    live.on_head(7, 1);
    EXPECT_EQ(answers.size(), 4u); // the other position exists; this server is behind
    apply(6, 7);
    EXPECT_EQ(answers.size(), 5u);
    read({2, 900});
    replace(3, {score(3, "hockey")}, 3);
    EXPECT_EQ(answers.size(), 6u);
}

TEST_F(live_board_test, there_is_no_board_before_the_first_snapshot) {
    EXPECT_FALSE(live.is_filled());
    EXPECT_FALSE(live.is_seen({}));
    replace(0, {});
    EXPECT_TRUE(live.is_filled());
    EXPECT_TRUE(live.is_seen({}));
}

TEST_F(live_board_test, history_precedes_the_snapshot_for_replicas) {
    apply(1, 6);
    auto wanted = from(0);
    wanted.history = 3;
    const auto watching = live.subscribe(one, wanted);
    EXPECT_THAT(one.got, ElementsAre(4, 5, 6));
    EXPECT_THAT(one.snapshot, ElementsAre(6));
}

TEST_F(live_board_test, ending_a_subscription_ends_its_events) {
    auto watching = live.subscribe(one, from(0));
    EXPECT_EQ(live.subscribers(), 1u);
    watching.reset();
    apply(1, 1);
    EXPECT_THAT(one.got, IsEmpty());
    EXPECT_EQ(live.subscribers(), 0u);
}

TEST_F(live_board_test, the_states_to_begin_with_wait_for_a_connection_that_takes_them) {
    for (std::uint64_t n = 1; n <= 5; ++n) apply(n, n, "game " + std::to_string(n));
    one.room = 2;
    const auto watching = live.subscribe(one, from(0));
    EXPECT_THAT(one.snapshot, ElementsAre(1, 2));
    apply(6, 7, "game 6"); // nothing is sent while it is congested
    EXPECT_THAT(one.got, IsEmpty());
    one.room = 2;
    watching->resume();
    EXPECT_THAT(one.snapshot, ElementsAre(1, 2, 3, 4));
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.snapshot, ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(one.got, ElementsAre(7)); // the newest state only
    apply(8, 8);
    EXPECT_THAT(one.got, ElementsAre(7, 8));
}

TEST_F(live_board_test, a_subscription_on_a_connection_that_takes_nothing_costs_a_position) {
    apply(1, 3, "hockey");
    one.room = 0;
    const auto watching = live.subscribe(one, from(0));
    EXPECT_THAT(one.starts, IsEmpty());
    EXPECT_THAT(one.to_send, IsEmpty());
    apply(4, 4, "curling");
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot));
    EXPECT_THAT(one.snapshot, ElementsAre(3, 4)); // the board as it is by then
}

TEST_F(live_board_test, history_before_the_states_waits_too_and_none_of_it_is_lost) {
    apply(1, 6);
    auto wanted = from(0);
    wanted.history = 4;
    wanted.lossless = true;
    one.room = 2;
    const auto watching = live.subscribe(one, wanted);
    EXPECT_THAT(one.got, ElementsAre(3, 4));
    EXPECT_THAT(one.starts, IsEmpty());
    apply(7, 7);
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(3, 4, 5, 6, 7));
    EXPECT_THAT(one.starts, ElementsAre(kind::snapshot));
    EXPECT_EQ(one.started_at, 7u);
}

TEST_F(live_board_test, a_slow_subscriber_is_brought_forward_as_far_as_it_takes) {
    const auto watching = live.subscribe(one, from(0));
    one.room = 1;
    for (std::uint64_t n = 1; n <= 6; ++n) apply(n, n, "game " + std::to_string(n));
    EXPECT_THAT(one.got, ElementsAre(1));
    one.room = 2;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(1, 2, 3));
    one.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(one.got, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(live_board_test, those_who_begin_alike_share_the_states) {
    apply(1, 2);
    watcher other;
    one.room = other.room = 0;
    const auto first = live.subscribe(one, from(0));
    EXPECT_EQ(one.shared, nullptr);
    one.room = other.room = SIZE_MAX;
    first->resume();
    const auto second = live.subscribe(other, from(0));
    EXPECT_NE(one.shared, nullptr);
    EXPECT_EQ(one.shared, other.shared);
}

} // namespace
} // namespace stadion::net
