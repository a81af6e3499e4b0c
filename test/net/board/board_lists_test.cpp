#include "net/board/board_lists.hpp"

#include <gmock/gmock.h>

#include <set>

namespace stadion::net {
namespace {

wire::board_event_ptr game(std::uint64_t sequence, const std::string& name, std::size_t bytes) {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_score()->set_game(name);
    event.mutable_score()->set_title(std::string(bytes, 't'));
    return std::make_shared<const wire::board_event>(std::move(event));
}

wire::board_event_ptr team(std::uint64_t sequence, const std::string& name, std::uint32_t gold) {
    v1::Event event;
    event.set_sequence(sequence);
    event.mutable_tally()->set_team(name);
    event.mutable_tally()->set_gold(gold);
    return std::make_shared<const wire::board_event>(std::move(event));
}

wire::board board_of(std::vector<wire::board_event_ptr> states) {
    wire::board board;
    const auto sequence = states.size();
    board.replace(sequence, states);
    return board;
}

TEST(board_lists, a_page_of_games_ends_where_its_bytes_do_and_the_next_goes_on) {
    std::vector<wire::board_event_ptr> states;
    for (int i = 0; i < 100; ++i)
        states.push_back(game(states.size() + 1, "g" + std::to_string(100 + i), 60'000));
    const auto board = board_of(states);
    for (const auto as : {page_encoding::protobuf, page_encoding::json}) {
        std::size_t found = 0, pages = 0;
        std::string token;
        do {
            const auto page = page_of_games(board, std::nullopt, token, page_size_max, as);
            ASSERT_TRUE(page);
            ASSERT_FALSE(page->games.empty());
            EXPECT_LE(page->games.size() * 60'000, page_bytes_max);
            EXPECT_LE(to_json(*page).size(), page_bytes_max + 4096);
            for (const auto& one : page->games) EXPECT_EQ(one, states[found++]);
            token = page->next_page_token;
            ++pages;
        } while (!token.empty());
        EXPECT_EQ(found, states.size());
        EXPECT_GE(pages, 6u);
    }
}

TEST(board_lists, one_item_larger_than_a_page_is_a_page) {
    const auto board = board_of({game(1, "large", 2 << 20), game(2, "small", 10)});
    const auto page = page_of_games(board, std::nullopt, "", 10, page_encoding::protobuf);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->games.size(), 1u);
    EXPECT_FALSE(page->next_page_token.empty());
}

TEST(board_lists, many_teams_come_in_pages_in_order_of_rank_each_once) {
    std::vector<wire::board_event_ptr> states;
    for (std::uint32_t i = 0; i < 125'000; ++i)
        states.push_back(team(i + 1, "team number " + std::to_string(i), i % 7));
    const auto board = board_of(std::move(states));
    for (const auto as : {page_encoding::protobuf, page_encoding::json}) {
        std::set<std::string> found;
        std::uint32_t rank = 1;
        std::string token;
        do {
            const auto page = page_of_teams(board, token, 0, as);
            ASSERT_TRUE(page);
            EXPECT_LE(to_json(*page).size(), page_bytes_max * (as == page_encoding::json ? 2 : 6));
            for (const auto& one : page->teams) {
                EXPECT_TRUE(found.insert(one.team->tally()->team()).second);
                EXPECT_GE(one.rank, rank);
                rank = one.rank;
            }
            token = page->next_page_token;
        } while (!token.empty());
        EXPECT_EQ(found.size(), 125'000u);
    }
}

TEST(board_lists, a_team_whose_medals_stay_is_neither_left_out_nor_repeated_while_others_move) {
    wire::board board = board_of({team(1, "a", 9), team(2, "b", 8), team(3, "c.d", 7), team(4, "e", 6)});
    const auto first = page_of_teams(board, "", 2, page_encoding::json);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->teams.size(), 2u);
    board.apply(team(5, "b", 1)); // the last team of the page moves to the end
    const auto second = page_of_teams(board, first->next_page_token, 2, page_encoding::json);
    ASSERT_TRUE(second);
    ASSERT_EQ(second->teams.size(), 2u);
    EXPECT_EQ(second->teams[0].team->tally()->team(), "c.d");
    EXPECT_EQ(second->teams[1].team->tally()->team(), "e");
    const auto third = page_of_teams(board, second->next_page_token, 2, page_encoding::json);
    ASSERT_TRUE(third);
    ASSERT_EQ(third->teams.size(), 1u);
    EXPECT_TRUE(third->next_page_token.empty());
}

TEST(board_lists, page_sizes_and_tokens_of_others_are_refused) {
    const auto board = board_of({team(1, "a", 9), team(2, "b", 8)});
    EXPECT_FALSE(page_of_teams(board, "", 1001, page_encoding::json));
    for (const auto* token : {"zz", "abc", "61", "312e32", "2d312e302e302e61"})
        EXPECT_FALSE(page_of_teams(board, token, 10, page_encoding::json)) << token;
}

} // namespace
} // namespace stadion::net
