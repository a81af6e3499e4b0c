#include "net/board/board_set.hpp"

#include "test/net/board/board_events.hpp"

#include <gmock/gmock.h>

#include <future>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

TEST(board_set, publishes_to_every_worker_before_it_says_so) {
    runtime threads(3);
    board_set boards(threads);
    std::promise<void> applied;
    boards.publish(std::make_shared<event_batch>(event_batch{score(1, "hockey")}),
                   [&] { applied.set_value(); });
    applied.get_future().wait();
    EXPECT_EQ(boards.sequence(), 1u);
    threads.run_on_each(
        [&](worker& home) { EXPECT_EQ(boards.of(home).board(board_view::live).sequence(), 1u); });
}

TEST(board_set, with_its_own_head_answers_at_once_a_reader_who_has_seen_more) {
    runtime threads(2);
    board_set boards(threads);
    boards.use_own_head();
    auto now = std::make_shared<board_snapshot>();
    now->board = 7;
    now->sequence = 5;
    boards.replace(now);
    EXPECT_EQ(boards.head(), 5u);
    std::promise<bool> answered;
    threads.at(1).post([&] {
        boards.of(threads.at(1)).when_seen({7, 6}, 30s, [&](wire::result<void> outcome) {
            answered.set_value(outcome.has_value());
        });
    });
    EXPECT_TRUE(answered.get_future().get());
    threads.run_on_each([](worker&) {});
    EXPECT_EQ(boards.board(), 7u);
}

TEST(board_set, waits_for_a_sequence_and_gives_up_in_time) {
    runtime threads(1);
    board_set boards(threads);
    std::promise<bool> reached, missed;
    threads.at(0).post([&] {
        auto& live = boards.of(threads.at(0));
        live.when_reached(2, 10s, [&](bool yes) { reached.set_value(yes); });
        live.when_reached(9, 20ms, [&](bool yes) { missed.set_value(yes); });
    });
    boards.publish(std::make_shared<event_batch>(event_batch{score(1, "a"), score(2, "a")}));
    EXPECT_TRUE(reached.get_future().get());
    EXPECT_FALSE(missed.get_future().get());
}

} // namespace
} // namespace stadion::net
