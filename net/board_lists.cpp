#include "net/board_lists.hpp"

#include "wire/board_json.hpp"

namespace stadion::net {

// In hexadecimal.
std::string page_token_of(std::string_view name) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string token;
    for (const char c : name) {
        token += digits[static_cast<unsigned char>(c) >> 4];
        token += digits[static_cast<unsigned char>(c) & 15];
    }
    return token;
}

std::optional<std::string> name_of_page_token(std::string_view token) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    if (token.size() % 2 != 0) return std::nullopt;
    std::string name;
    for (std::size_t i = 0; i < token.size(); i += 2) {
        const int high = digit(token[i]), low = digit(token[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        name += static_cast<char>(high * 16 + low);
    }
    return name;
}

wire::error not_a_page_token(std::string_view token) {
    return wire::make_error(wire::status::invalid_argument,
                            "page_token '" + std::string(token) + "' is none that was given out here");
}

std::string teams_json(const wire::board& board) {
    std::string body = "{\"teams\":[";
    for (const auto& [team, rank] : board.ranking()) {
        if (body.back() != '[') body += ',';
        auto tally = *team->tally();
        tally.set_rank(rank);
        wire::append_json(body, tally);
    }
    return body += "]}\n";
}

wire::result<games_page> page_of_games(const wire::board& board, std::optional<v1::Score::Status> status,
                                       std::string_view page_token, std::uint32_t page_size) {
    if (page_size > page_size_max)
        return wire::make_error(wire::status::invalid_argument,
                                "page_size " + std::to_string(page_size) + " is more than 1000");
    if (page_size == 0) page_size = page_size_default;
    const auto after = name_of_page_token(page_token);
    if (!after) return not_a_page_token(page_token);
    games_page page;
    page.games = board.list_games(status, *after, page_size + 1);
    if (page.games.size() > page_size) {
        page.games.pop_back();
        page.next_page_token = page_token_of(page.games.back()->score()->game());
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
