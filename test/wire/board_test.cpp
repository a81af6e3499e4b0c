#include "wire/board.hpp"

#include <gmock/gmock.h>

namespace stadion::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

board_event_ptr score(std::uint64_t sequence, const std::string& game, int points = 0) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("games/" + game);
    event.mutable_score()->set_game(game);
    event.mutable_score()->set_sequence(sequence);
    (*event.mutable_score()->mutable_points())["gauls"] = points;
    return std::make_shared<const board_event>(std::move(event));
}

board_event_ptr tally(std::uint64_t sequence, const std::string& team, unsigned gold, unsigned silver,
                      unsigned bronze) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("teams/" + team);
    event.mutable_tally()->set_team(team);
    event.mutable_tally()->set_gold(gold);
    event.mutable_tally()->set_silver(silver);
    event.mutable_tally()->set_bronze(bronze);
    event.mutable_tally()->set_sequence(sequence);
    return std::make_shared<const board_event>(std::move(event));
}

std::vector<std::uint64_t> sequences(const std::vector<board_event_ptr>& events) {
    std::vector<std::uint64_t> found;
    for (const auto& event : events) found.push_back(event->sequence());
    return found;
}

std::vector<std::uint64_t> held_after(const board& one, std::uint64_t since) {
    return sequences(one.events_after(since, 1000));
}

TEST(board, keeps_the_newest_state_of_each_game) {
    board one;
    EXPECT_TRUE(one.apply(score(1, "hockey", 1)));
    EXPECT_TRUE(one.apply(score(2, "curling", 5)));
    EXPECT_TRUE(one.apply(score(3, "hockey", 2)));
    EXPECT_EQ(one.find_game("hockey")->score()->points().at("gauls"), 2);
    EXPECT_EQ(one.find_game("chess"), nullptr);
    EXPECT_EQ(one.sequence(), 3u);
    EXPECT_EQ(one.games(), 2u);
}

TEST(board, keeps_as_many_events_as_its_bytes_allow) {
    board one(1000, 10'000);
    for (std::uint64_t n = 1; n <= 100; ++n) one.apply(score(n, std::string(1000, 'g')));
    const auto held = held_after(one, 0);
    EXPECT_GT(held.size(), 2u);
    EXPECT_LT(held.size(), 10u);
    EXPECT_EQ(held.back(), 100u);
    EXPECT_FALSE(one.holds_since(held.front() - 2));
    EXPECT_TRUE(one.holds_since(held.front() - 1));
    one.apply(score(101, std::string(20'000, 'g'))); // one is always held
    EXPECT_THAT(held_after(one, 0), ElementsAre(101));
    one.apply(score(102, "small"));
    EXPECT_EQ(held_after(one, 0).back(), 102u);
}

TEST(board, ignores_what_it_has_had) {
    board one;
    one.apply(score(5, "hockey", 5));
    EXPECT_FALSE(one.apply(score(5, "hockey", 6)));
    EXPECT_FALSE(one.apply(score(4, "hockey", 4)));
    EXPECT_EQ(one.find_game("hockey")->score()->points().at("gauls"), 5);
}

TEST(board, resumes_from_every_sequence_it_holds) {
    board one;
    for (std::uint64_t n = 1; n <= 4; ++n) one.apply(score(n, "hockey"));
    EXPECT_TRUE(one.holds_since(0));
    EXPECT_THAT(held_after(one, 0), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(held_after(one, 2), ElementsAre(3, 4));
    EXPECT_THAT(held_after(one, 4), IsEmpty());
    EXPECT_EQ(one.next_after(9), nullptr);
}

TEST(board, forgets_the_oldest_events_beyond_its_bound) {
    board one(3);
    for (std::uint64_t n = 1; n <= 5; ++n) one.apply(score(n, "hockey"));
    EXPECT_FALSE(one.holds_since(1));
    EXPECT_TRUE(one.holds_since(2));
    EXPECT_THAT(held_after(one, 2), ElementsAre(3, 4, 5));
}

TEST(board, a_gap_in_the_feed_ends_what_can_be_resumed) {
    board one;
    one.apply(score(1, "hockey"));
    one.apply(score(2, "hockey"));
    one.apply(score(7, "hockey"));
    EXPECT_FALSE(one.holds_since(2));
    EXPECT_TRUE(one.holds_since(6));
    EXPECT_THAT(held_after(one, 6), ElementsAre(7));
}

TEST(board, a_snapshot_replaces_everything_and_keeps_events_that_lead_up_to_it) {
    board one;
    one.remember(score(8, "hockey"));
    one.remember(score(9, "curling"));
    one.replace(9, {score(3, "chess"), score(8, "hockey"), score(9, "curling")});
    EXPECT_EQ(one.sequence(), 9u);
    EXPECT_EQ(one.games(), 3u);
    EXPECT_TRUE(one.holds_since(7));
    EXPECT_FALSE(one.holds_since(6));
    EXPECT_THAT(held_after(one, 7), ElementsAre(8, 9));
    EXPECT_TRUE(one.apply(score(10, "hockey")));
    EXPECT_THAT(held_after(one, 7), ElementsAre(8, 9, 10));
}

TEST(board, a_snapshot_that_does_not_follow_drops_the_events) {
    board one;
    one.apply(score(1, "hockey"));
    one.replace(9, {score(9, "curling")});
    EXPECT_EQ(one.find_game("hockey"), nullptr);
    EXPECT_FALSE(one.holds_since(1));
    EXPECT_TRUE(one.holds_since(9));
}

TEST(board, ranks_by_gold_silver_bronze_and_shares_ranks) {
    board one;
    one.apply(tally(1, "gauls", 1, 0, 0));
    one.apply(tally(2, "romans", 2, 0, 0));
    one.apply(tally(3, "goths", 1, 0, 0));
    one.apply(tally(4, "picts", 0, 9, 9));
    EXPECT_EQ(one.rank_of("romans"), 1u);
    EXPECT_EQ(one.rank_of("gauls"), 2u);
    EXPECT_EQ(one.rank_of("goths"), 2u);
    EXPECT_EQ(one.rank_of("picts"), 4u);
    EXPECT_EQ(one.rank_of("nobody"), 0u);
    one.apply(tally(5, "picts", 3, 0, 0));
    EXPECT_EQ(one.rank_of("picts"), 1u);
    EXPECT_EQ(one.rank_of("romans"), 2u);
}

TEST(board, lists_games_in_pages_by_name) {
    board one;
    for (const auto* name : {"d", "b", "a", "c"}) one.apply(score(one.sequence() + 1, name));
    const auto first = one.list_games(std::nullopt, "", 3);
    ASSERT_EQ(first.size(), 3u);
    EXPECT_EQ(first[2]->score()->game(), "c");
    const auto rest = one.list_games(std::nullopt, "c", 3);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest[0]->score()->game(), "d");
    EXPECT_THAT(one.list_games(v1::Score::OFFICIAL, "", 10), IsEmpty());
}

TEST(board, states_after_a_sequence_are_the_newest_per_topic) {
    board one;
    one.apply(score(1, "hockey"));
    one.apply(tally(2, "gauls", 1, 0, 0));
    one.apply(score(3, "hockey"));
    one.apply(score(4, "curling"));
    EXPECT_THAT(sequences(one.states_after(1, topic_filter())), ElementsAre(2, 3, 4));
    EXPECT_THAT(sequences(one.states_after(0, topic_filter({"teams/*"}))), ElementsAre(2));
    EXPECT_THAT(sequences(one.states_after(0, topic_filter({"games/hockey", "games/none", "teams/gauls"}))),
                ElementsAre(2, 3));
    EXPECT_THAT(sequences(one.states_after(2, topic_filter({"games/hockey", "teams/gauls"}))),
                ElementsAre(3));
    EXPECT_THAT(sequences(one.states_after(0, topic_filter(), 2)), ElementsAre(2, 3));
    one.replace(9, {score(8, "chess")});
    EXPECT_THAT(sequences(one.states_after(0, topic_filter())), ElementsAre(8));
}

TEST(topic_filter, finds_a_topic_among_very_many_and_among_prefixes_of_one_another) {
    std::vector<std::string> wanted{"games/1*", "games/1",  "games/12*", "games/123",
                                    "games/2",  "games/3*", "a*",        ""};
    for (int n = 0; n < 1000; ++n) wanted.push_back("teams/" + std::to_string(n * 7) + (n % 2 ? "*" : ""));
    const topic_filter one(wanted);
    const auto plainly = [&](std::string_view topic) {
        return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view each) {
            return each.ends_with('*') ? topic.starts_with(each.substr(0, each.size() - 1)) : topic == each;
        });
    };
    for (const auto* topic : {"", "a", "ab", "b", "games/", "games/1", "games/12", "games/1234", "games/1*",
                              "games/2", "games/23", "games/3", "games/35", "games/4", "z"})
        EXPECT_EQ(one.matches(topic), plainly(topic)) << topic;
    for (int n = 0; n < 8000; ++n) {
        const auto topic = "teams/" + std::to_string(n);
        ASSERT_EQ(one.matches(topic), plainly(topic)) << topic;
    }
}

TEST(topic_filter, matches_topics_and_prefixes) {
    const topic_filter one({"games/hockey", "teams/*"});
    EXPECT_TRUE(one.matches("games/hockey"));
    EXPECT_FALSE(one.matches("games/hockey2"));
    EXPECT_TRUE(one.matches("teams/gauls"));
    EXPECT_FALSE(one.matches("users/asterix"));
    EXPECT_TRUE(topic_filter().matches("anything"));
    EXPECT_TRUE(topic_filter({"games/x", "*"}).matches("anything"));
}

TEST(board_event, its_json_names_what_it_is) {
    EXPECT_EQ(tally(7, "gauls", 1, 2, 3)->json(),
              R"({"sequence":7,"topic":"teams/gauls","tally":{"team":"gauls","medals":{"gold":1,"silver":2,)"
              R"("bronze":3},"updated_at":0.000000,"version":0,"sequence":7}})");
}

} // namespace
} // namespace stadion::wire
