#include "net/board_lists.hpp"

namespace stadion::net {

wire::result<games_page> page_of_games(const wire::board& board, std::optional<v1::Score::Status> status,
                                       std::string_view page_token, std::uint32_t page_size) {
    if (page_size > page_size_max)
        return wire::make_error(wire::status::invalid_argument,
                                "page_size " + std::to_string(page_size) + " is more than 1000");
    if (page_size == 0) page_size = page_size_default;
    games_page page;
    page.games = board.list_games(status, page_token, page_size + 1);
    if (page.games.size() > page_size) {
        page.games.pop_back();
        page.next_page_token = page.games.back()->score()->game();
    }
    return page;
}

wire::error not_reached(std::uint64_t seen, std::uint64_t sequence) {
    auto failure = wire::make_error(wire::status::unavailable,
                                    "you have seen sequence " + std::to_string(seen) + ", this server has " +
                                        std::to_string(sequence) + " and did not catch up in time");
    failure.retry_after = std::chrono::milliseconds{200};
    return failure;
}

} // namespace stadion::net
