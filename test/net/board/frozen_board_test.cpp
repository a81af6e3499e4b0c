// Freezing: what the public and the scorers see of one board.
#include "test/net/board/board_events.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using kind = board_subscriber::start_kind;

board_event_ptr marker(std::uint64_t sequence, bool frozen) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("state");
    event.mutable_state()->set_frozen(frozen);
    event.mutable_state()->set_sequence(sequence);
    if (frozen) event.mutable_state()->set_since(static_cast<double>(sequence) + 0.5);
    return std::make_shared<const wire::board_event>(std::move(event));
}

class frozen_board_test : public testing::Test {
protected:
    void apply(const board_event_ptr& event) { live.apply({&event, 1}); }
    void apply(std::uint64_t first, std::uint64_t last, const std::string& game = "hockey") {
        for (auto n = first; n <= last; ++n) apply(score(n, game));
    }
    auto watch(watcher& by, board_view view, std::uint64_t since = 0) {
        live_board::request wanted;
        wanted.view = view;
        wanted.since = {0, since};
        return live.subscribe(by, wanted);
    }
    std::uint64_t newest(board_view view, const std::string& game = "hockey") const {
        const auto found = live.board(view).find_game(game);
        return found ? found->sequence() : 0;
    }

    worker home{0};
    live_board live{home};
    watcher spectator, scorer;
};

TEST_F(frozen_board_test, the_public_gets_nothing_while_it_is_frozen_and_everything_once_after) {
    apply(1, 2);
    const auto public_watch = watch(spectator, board_view::shown);
    const auto live_watch = watch(scorer, board_view::live);
    apply(3, 3);
    apply(marker(4, true));
    apply(5, 6);
    EXPECT_THAT(spectator.got, ElementsAre(3));
    EXPECT_THAT(scorer.got, ElementsAre(3, 4, 5, 6));
    apply(marker(7, false));
    apply(8, 8);
    EXPECT_THAT(spectator.got, ElementsAre(3, 5, 6, 8));
    EXPECT_THAT(scorer.got, ElementsAre(3, 4, 5, 6, 7, 8));
    EXPECT_THAT(spectator.starts, ElementsAre(kind::snapshot));
}

TEST_F(frozen_board_test, there_are_two_boards_while_it_is_frozen_and_one_after) {
    apply(1, 2);
    apply(marker(3, true));
    apply(4, 4);
    apply(5, 5, "curling");
    EXPECT_EQ(newest(board_view::shown), 2u);
    EXPECT_EQ(newest(board_view::live), 4u);
    EXPECT_EQ(newest(board_view::shown, "curling"), 0u);
    EXPECT_EQ(live.board(board_view::shown).sequence(), 3u);
    EXPECT_EQ(live.board(board_view::live).sequence(), 5u);
    apply(marker(6, false));
    EXPECT_EQ(&live.board(board_view::shown), &live.board(board_view::live));
    EXPECT_EQ(newest(board_view::shown, "curling"), 5u);
}

TEST_F(frozen_board_test, says_since_when_it_is_frozen_and_a_second_freeze_changes_nothing) {
    EXPECT_FALSE(live.state().frozen());
    apply(1, 1);
    apply(marker(2, true));
    apply(3, 3);
    apply(marker(4, true));
    apply(5, 5);
    EXPECT_TRUE(live.state().frozen());
    EXPECT_EQ(live.state().since(), 2.5);
    EXPECT_EQ(live.state().sequence(), 2u);
    EXPECT_EQ(newest(board_view::shown), 1u);
    apply(marker(6, false));
    EXPECT_FALSE(live.state().frozen());
    EXPECT_EQ(live.state().sequence(), 6u);
    EXPECT_EQ(newest(board_view::shown), 5u);
}

TEST_F(frozen_board_test, newcomers_see_the_board_as_it_stood) {
    apply(1, 2);
    apply(marker(3, true));
    apply(4, 5);
    watcher resuming, ahead;
    const auto fresh = watch(spectator, board_view::shown);
    const auto resumed = watch(resuming, board_view::shown, 1);
    const auto late = watch(ahead, board_view::shown, 4); // it has seen 4 as a scorer
    EXPECT_THAT(spectator.snapshot, ElementsAre(2));
    EXPECT_EQ(spectator.started_at, 3u);
    EXPECT_THAT(resuming.got, ElementsAre(2));
    EXPECT_THAT(ahead.got, IsEmpty());
    apply(marker(6, false));
    EXPECT_THAT(spectator.got, ElementsAre(4, 5));
    EXPECT_THAT(resuming.got, ElementsAre(2, 4, 5));
    EXPECT_THAT(ahead.got, ElementsAre(5));
}

TEST_F(frozen_board_test, a_slow_subscriber_misses_nothing_of_what_a_thaw_publishes) {
    const auto watching = watch(spectator, board_view::shown);
    apply(marker(1, true));
    apply(2, 9);
    spectator.room = 3;
    apply(marker(10, false));
    apply(11, 11);
    EXPECT_THAT(spectator.got, ElementsAre(2, 3, 4));
    spectator.room = SIZE_MAX;
    watching->resume();
    apply(12, 12);
    EXPECT_THAT(spectator.got, ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 11, 12));
}

TEST_F(frozen_board_test, frozen_again_while_a_subscriber_catches_up_stops_it_there) {
    const auto watching = watch(spectator, board_view::shown);
    apply(marker(1, true));
    apply(2, 4);
    spectator.room = 1;
    apply(marker(5, false));
    apply(marker(6, true));
    apply(7, 8);
    spectator.room = SIZE_MAX;
    watching->resume();
    EXPECT_THAT(spectator.got, ElementsAre(2, 3, 4));
    apply(marker(9, false));
    EXPECT_THAT(spectator.got, ElementsAre(2, 3, 4, 7, 8));
}

TEST_F(frozen_board_test, a_replica_that_begins_while_it_is_frozen_has_both_views) {
    const event_batch recent{score(1, "hockey"), marker(2, true), score(3, "hockey"), score(4, "curling")};
    board_snapshot now;
    now.sequence = 4;
    now.states = {score(3, "hockey"), score(4, "curling")};
    now.before = recent;
    now.shown.emplace();
    now.shown->state = recent[1]->event().state();
    now.shown->states = {score(1, "hockey")};
    live.replace(now);
    EXPECT_EQ(live.state().since(), 2.5);
    EXPECT_EQ(newest(board_view::shown), 1u);
    EXPECT_EQ(newest(board_view::live), 3u);

    watcher resuming;
    const auto resumed =
        watch(resuming, board_view::shown, 1); // it has seen 1 at another server, before this one started
    const auto fresh = watch(spectator, board_view::shown);
    EXPECT_THAT(resuming.starts, ElementsAre(kind::resumed));
    EXPECT_THAT(spectator.snapshot, ElementsAre(1));
    apply(marker(5, false));
    EXPECT_THAT(resuming.got, ElementsAre(3, 4));
    EXPECT_THAT(spectator.got, ElementsAre(3, 4));
}

TEST_F(frozen_board_test, a_snapshot_of_a_thawed_board_brings_the_public_what_it_missed) {
    const auto watching = watch(spectator, board_view::shown);
    apply(1, 1);
    apply(marker(2, true));
    apply(3, 3);
    board_snapshot now;
    now.sequence = 90;
    now.states = {score(80, "hockey"), score(70, "curling")};
    live.replace(now); // it thawed while this server was away
    EXPECT_FALSE(live.frozen());
    EXPECT_THAT(spectator.got, ElementsAre(1));
    EXPECT_THAT(spectator.starts, ElementsAre(kind::snapshot, kind::reset));
    EXPECT_THAT(spectator.snapshot, ElementsAre(70, 80));
}

TEST_F(frozen_board_test, nobodys_place_falls_by_what_is_only_announced) {
    apply(1, 3);
    apply(marker(4, true));
    const auto watching = watch(spectator, board_view::shown);
    const auto scoring = watch(scorer, board_view::live);
    apply(5, 9);
    watcher wrote; // and reads the public view
    const auto writing = watch(wrote, board_view::shown, 9);
    live.announce([](std::uint64_t sequence) {
        v1::Event event;
        event.set_sequence(sequence);
        event.set_topic("raffle");
        event.mutable_draw()->set_number(1);
        return std::make_shared<const wire::board_event>(std::move(event));
    });
    EXPECT_THAT(spectator.got, ElementsAre(4));
    EXPECT_THAT(scorer.got, ElementsAre(5, 6, 7, 8, 9, 9));
    EXPECT_THAT(wrote.got, ElementsAre(9));
    apply(marker(10, false));
    apply(11, 11);
    EXPECT_THAT(wrote.got, ElementsAre(9, 11)); // not what it has seen already
    EXPECT_THAT(spectator.got, ElementsAre(4, 5, 6, 7, 8, 9, 11));
}

TEST_F(frozen_board_test, who_has_seen_his_own_write_is_answered_at_once) {
    apply(marker(1, true));
    apply(2, 2);
    bool reached = false;
    live.when_reached(2, std::chrono::milliseconds{1}, [&](bool yes) { reached = yes; });
    EXPECT_TRUE(reached);
    EXPECT_EQ(newest(board_view::shown), 0u);
}

TEST(board_view, belongs_to_roles_and_is_asked_for) {
    const auto tokens = access_policy::from_text("scorer s3\nserver s4\noperator s5\n", "test").value();
    const access_policy open;
    const auto everything = open.authenticate("").value();
    EXPECT_EQ(choose_view(tokens, roles(role::scorer), v1::VIEW_DEFAULT).value(), board_view::live);
    EXPECT_EQ(choose_view(tokens, roles(role::scorer), v1::VIEW_PUBLIC).value(), board_view::shown);
    EXPECT_EQ(choose_view(tokens, roles(role::server), v1::VIEW_DEFAULT).value(), board_view::shown);
    EXPECT_EQ(choose_view(tokens, roles(role::server), v1::VIEW_LIVE).value(), board_view::live);
    EXPECT_EQ(choose_view(tokens, anyone, v1::VIEW_DEFAULT).value(), board_view::shown);
    EXPECT_EQ(choose_view(tokens, anyone, v1::VIEW_LIVE).error().code, wire::status::unauthenticated);
    EXPECT_EQ(choose_view(tokens, roles(role::operator_), v1::VIEW_LIVE).error().code,
              wire::status::permission_denied);
    EXPECT_EQ(choose_view(open, everything, v1::VIEW_DEFAULT).value(), board_view::shown);
    EXPECT_EQ(choose_view(open, everything, v1::VIEW_LIVE).value(), board_view::live);
}

} // namespace
} // namespace stadion::net
