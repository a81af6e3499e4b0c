#include "tools/replay/tournament.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

tournament parse(std::string_view matches) {
    auto event = parse_tournament(R"({"name":"Cup","matches":[)" + std::string(matches) + "]}");
    EXPECT_TRUE(event) << event.error().message;
    return event ? std::move(*event) : tournament{};
}

std::string why_not(std::string_view match) {
    const auto event = parse_tournament(R"({"matches":[)" + std::string(match) + "]}");
    return event ? "" : event.error().message;
}

TEST(tournament, a_match_is_a_game_with_a_readable_name) {
    const auto event =
        parse(R"({"date":"2022-11-20","time":"19:00","team1":"Qatar","team2":"Ecuador","round":"Matchday 1",
        "group":"Group A","score":{"ft":[0,2]},"goals1":[],"goals2":[{"minute":16},{"minute":31}]})");
    ASSERT_EQ(event.matches.size(), 1u);
    const auto& one = event.matches[0];
    EXPECT_EQ(one.game, "2022-11-20 Qatar-Ecuador");
    EXPECT_EQ(one.title, "Matchday 1, Group A: Qatar – Ecuador");
    EXPECT_EQ(one.kick_off, std::chrono::sys_days(std::chrono::year(2022) / 11 / 20) + 19h);
    EXPECT_EQ(one.goals.size(), 2u);
    EXPECT_FALSE(one.score_differs);
}

TEST(tournament, a_second_game_of_a_name_gets_a_number) {
    const auto* one = R"({"date":"2022-11-20","team1":"A","team2":"B","score":{"ft":[0,0]}})";
    const auto event = parse(std::string(one) + "," + one + "," + one);
    EXPECT_EQ(event.matches[0].game, "2022-11-20 A-B");
    EXPECT_EQ(event.matches[1].game, "2022-11-20 A-B (2)");
    EXPECT_EQ(event.matches[2].game, "2022-11-20 A-B (3)");
}

TEST(tournament, minutes_are_numbers_or_texts_with_added_time) {
    const auto event = parse(R"({"date":"2026-06-11","team1":"A","team2":"B","score":{"ft":[3,2]},
        "goals1":[{"minute":"45+2"},{"minute":90,"offset":9},{"minute":"46"}],"goals2":[{"minute":45},{"minute":"9"}]})");
    std::vector<std::pair<int, int>> found;
    for (const auto& goal : event.matches[0].goals) found.emplace_back(goal.minute, goal.added);
    EXPECT_EQ(found, (std::vector<std::pair<int, int>>{{9, 0}, {45, 0}, {45, 2}, {46, 0}, {90, 9}}));
    EXPECT_EQ(event.matches[0].goals[0].team, 1);
}

TEST(tournament, kick_off_is_in_the_zone_the_file_names) {
    const auto at = [](const char* time) {
        return parse(std::string(R"({"date":"2026-06-11","team1":"A","team2":"B","time":")") + time + R"("})")
            .matches[0]
            .kick_off;
    };
    const auto noon = std::chrono::sys_days(std::chrono::year(2026) / 6 / 11) + 12h;
    EXPECT_EQ(at("12:00"), noon);
    EXPECT_EQ(at("12:00 UTC-6"), noon + 6h);
    EXPECT_EQ(at("12:00 UTC+5:30"), noon - 5h - 30min);
}

TEST(tournament, breaks_keep_added_time_before_the_next_half) {
    EXPECT_LT(elapsed(45, 12), elapsed(46, 0));
    EXPECT_LT(elapsed(90, 12), elapsed(91, 0));
    EXPECT_LT(elapsed(105, 3), elapsed(106, 0));
    EXPECT_EQ(elapsed(10, 0), 10min);
}

TEST(tournament, a_match_without_goals_is_played_too) {
    const auto steps =
        timeline(parse(R"({"date":"2022-11-22","team1":"Denmark","team2":"Tunisia","score":{"ft":[0,0]}})"));
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0].status, v1::Score::LIVE);
    EXPECT_EQ(steps[1].status, v1::Score::OFFICIAL);
    EXPECT_EQ(steps[1].points, (std::array<std::int32_t, 2>{0, 0}));
}

TEST(tournament, a_match_without_a_score_has_not_been_played) {
    const auto event = parse(R"({"date":"2026-07-19","team1":"W101","team2":"W102"})");
    const auto steps = timeline(event);
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].status, v1::Score::START_LIST);
    EXPECT_EQ(to_request(event.matches[0], steps[0]).points().size(), 2u);
}

TEST(tournament, updates_of_all_matches_come_in_order_of_time) {
    const auto steps = timeline(parse(R"(
        {"date":"2022-11-20","time":"19:00","team1":"C","team2":"D","score":{"ft":[0,1]},"goals2":[{"minute":5}]},
        {"date":"2022-11-20","time":"18:00","team1":"A","team2":"B","score":{"ft":[1,0]},"goals1":[{"minute":60}]})"));
    std::vector<std::size_t> order;
    for (const auto& step : steps) order.push_back(step.match);
    EXPECT_EQ(order, (std::vector<std::size_t>{1, 0, 0, 1, 1, 0}));
    EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end(), [](auto& a, auto& b) { return a.at < b.at; }));
}

TEST(tournament, the_older_format_has_rounds_and_teams_with_codes) {
    const auto event = parse_tournament(R"({"name":"Cup","rounds":[{"name":"Final","matches":[
        {"date":"2014-07-13","team1":{"name":"Germany","code":"GER"},"team2":{"name":"Argentina"},"score":{"ft":[0,0],"et":[1,0]},
         "goals1":[{"minute":113}]}]}]})");
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(event->matches[0].game, "2014-07-13 Germany-Argentina");
    EXPECT_EQ(event->matches[0].title, "Final: Germany – Argentina");
    EXPECT_FALSE(event->matches[0].score_differs);
}

TEST(tournament, goals_that_do_not_add_up_are_noticed) {
    EXPECT_TRUE(parse(R"({"date":"2022-11-20","team1":"A","team2":"B","score":{"ft":[1,0]}})")
                    .matches[0]
                    .score_differs);
}

TEST(tournament, what_makes_no_sense_is_named) {
    EXPECT_THAT(why_not(R"({"date":"2022-13-20","team1":"A","team2":"B"})"),
                HasSubstr("match 1 has the date '2022-13-20'"));
    EXPECT_THAT(why_not(R"({"date":"2022-11-20","team1":"A","team2":"A"})"), HasSubstr("against itself"));
    EXPECT_THAT(why_not(R"({"date":"2022-11-20","team1":"A","team2":"B","time":"noon"})"),
                HasSubstr("the time 'noon'"));
    EXPECT_THAT(why_not(R"({"date":"2022-11-20","team1":"A","team2":"B","goals1":[{"minute":"x"}]})"),
                HasSubstr("minute \"x\""));
    EXPECT_THAT(why_not(R"({"team1":"A","team2":"B"})"), HasSubstr("match 1"));
    EXPECT_THAT(why_not(R"({"date":"2022-11-20","team1":"A","team2":"B","time":"12:00 UTCx"})"),
                HasSubstr("UTCx"));
    EXPECT_THAT(why_not(R"({"date":"2022-11-20","team1":"A\u0007","team2":"B"})"),
                HasSubstr("control character"));
    EXPECT_FALSE(parse_tournament("{}"));
    EXPECT_FALSE(parse_tournament("[1"));
}

// The real files, where they are: every match's last update must be its final score.
class recorded : public ::testing::TestWithParam<const char*> {};

TEST_P(recorded, ends_with_the_scores_in_the_file) {
    const auto path = std::filesystem::path(STADION_SHARED_DATA) / GetParam();
    if (!std::filesystem::exists(path)) GTEST_SKIP() << GetParam() << " is not here";
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const auto event = parse_tournament(text.str());
    ASSERT_TRUE(event) << event.error().message;
    std::vector<std::array<std::int32_t, 2>> last(event->matches.size());
    for (const auto& step : timeline(*event)) last[step.match] = step.points;
    const auto source = nlohmann::json::parse(text.str()).at("matches");
    ASSERT_EQ(source.size(), last.size());
    std::set<std::string> names;
    for (std::size_t i = 0; i < last.size(); ++i) {
        const auto& score = source[i].at("score");
        const auto expected = score.value("et", score.at("ft")).get<std::array<std::int32_t, 2>>();
        EXPECT_EQ(last[i], expected) << event->matches[i].game;
        EXPECT_FALSE(event->matches[i].score_differs);
        EXPECT_TRUE(names.insert(event->matches[i].game).second) << event->matches[i].game;
    }
}

INSTANTIATE_TEST_SUITE_P(tournament, recorded, ::testing::Values("worldcup-2022.json", "worldcup-2026.json"));

} // namespace
} // namespace stadion::tools
