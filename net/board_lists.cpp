#include "net/board_lists.hpp"

namespace stadion::net {
namespace {

// A page token is the last name of the page, in hexadecimal: it can stand in any address as it is.
std::string encode_token(std::string_view name) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string token;
    for (const char c : name) {
        token += digits[static_cast<unsigned char>(c) >> 4];
        token += digits[static_cast<unsigned char>(c) & 15];
    }
    return token;
}

std::optional<std::string> decode_token(std::string_view token) {
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

} // namespace

wire::result<games_page> page_of_games(const wire::board& board, std::optional<v1::Score::Status> status,
                                       std::string_view page_token, std::uint32_t page_size) {
    if (page_size > page_size_max)
        return wire::make_error(wire::status::invalid_argument,
                                "page_size " + std::to_string(page_size) + " is more than 1000");
    if (page_size == 0) page_size = page_size_default;
    const auto after = decode_token(page_token);
    if (!after)
        return wire::make_error(wire::status::invalid_argument, "page_token '" + std::string(page_token) +
                                                                    "' is none that was given out here");
    games_page page;
    page.games = board.list_games(status, *after, page_size + 1);
    if (page.games.size() > page_size) {
        page.games.pop_back();
        page.next_page_token = encode_token(page.games.back()->score()->game());
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
