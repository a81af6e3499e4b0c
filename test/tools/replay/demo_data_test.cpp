#include "tools/demo/demo_data.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace stadion::tools {
namespace {

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    return cells;
}

TEST(demo_data, medals_add_up_and_are_in_the_order_of_their_ranks) {
    std::istringstream in{std::string(demo_medals_csv())};
    std::string line;
    std::getline(in, line);
    ASSERT_EQ(line, "rank,code,team,gold,silver,bronze,total");
    std::vector<int> last{1000, 0, 0};
    int rank = 0;
    while (std::getline(in, line)) {
        const auto cells = split(line);
        ASSERT_EQ(cells.size(), 7u) << line;
        EXPECT_EQ(std::stoi(cells[0]), ++rank) << line;
        const std::vector<int> medals{std::stoi(cells[3]), std::stoi(cells[4]), std::stoi(cells[5])};
        EXPECT_EQ(medals[0] + medals[1] + medals[2], std::stoi(cells[6])) << line;
        EXPECT_LT(medals, last) << line;
        last = medals;
    }
    EXPECT_EQ(rank, 10);
}

TEST(demo_data, matches_list_as_many_goals_as_their_score_says) {
    const auto event = nlohmann::json::parse(demo_matches_json());
    EXPECT_EQ(event.at("matches").size(), 12u);
    for (const auto& match : event.at("matches")) {
        const auto& score = match.at("score");
        const auto& end = score.contains("et") ? score.at("et") : score.at("ft");
        EXPECT_EQ(match.at("goals1").size(), end.at(0)) << match.at("team1");
        EXPECT_EQ(match.at("goals2").size(), end.at(1)) << match.at("team1");
    }
}

TEST(demo_data, the_final_is_as_it_was) {
    const auto event = nlohmann::json::parse(demo_matches_json());
    const auto& final = event.at("matches").back();
    EXPECT_EQ(final.at("team1"), "Argentina");
    EXPECT_EQ(final.at("team2"), "France");
    EXPECT_EQ(final.at("score").at("p"), (nlohmann::json{4, 2}));
    EXPECT_EQ(final.at("goals2").at(1).at("name"), "Kylian Mbappé");
    EXPECT_EQ(final.at("goals2").at(1).at("minute"), 81);
}

} // namespace
} // namespace stadion::tools
