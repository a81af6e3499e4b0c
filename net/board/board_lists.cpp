#include "net/board/board_lists.hpp"

#include "wire/board_json.hpp"
#include "wire/hex.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <tuple>

namespace stadion::net {

std::string page_token_of(std::string_view name) { return wire::to_hex(name); }

std::optional<std::string> name_of_page_token(std::string_view token) { return wire::from_hex(token); }

wire::error not_a_page_token(std::string_view token) {
    return wire::make_error(wire::status::invalid_argument,
                            "page_token '" + std::string(token) + "' is none that was given out here");
}

namespace {

constexpr std::size_t rank_bytes_max = 20; // what a rank adds, in either encoding

std::size_t size_of(const wire::board_event& item, page_encoding as) {
    return as == page_encoding::json ? item.state_json().size() : item.state_payload().size();
}

wire::error page_too_large(std::uint32_t page_size) {
    return wire::make_error(wire::status::invalid_argument,
                            "page_size " + std::to_string(page_size) + " is more than 1000");
}

// The order of a team among all: by gold, silver, bronze, then name.
struct place {
    std::uint32_t gold = 0;
    std::uint32_t silver = 0;
    std::uint32_t bronze = 0;
    std::string_view name;

    explicit place(const v1::MedalTally& tally)
        : gold(tally.gold()), silver(tally.silver()), bronze(tally.bronze()), name(tally.team()) {}
    place() = default;

    // Whether `other` comes after it.
    bool precedes(const place& other) const {
        const auto mine = std::tie(gold, silver, bronze);
        const auto its = std::tie(other.gold, other.silver, other.bronze);
        return mine != its ? mine > its : name < other.name;
    }
};

std::string text_of(const place& last) {
    return std::to_string(last.gold) + '.' + std::to_string(last.silver) + '.' + std::to_string(last.bronze) +
           '.' + std::string(last.name);
}

std::optional<place> place_of(std::string_view text) {
    place found;
    for (auto* medals : {&found.gold, &found.silver, &found.bronze}) {
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), *medals);
        if (failure != std::errc{} || end == text.data() + text.size() || *end != '.') return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    }
    found.name = text;
    return found;
}

template <typename Items, typename Append>
std::string page_json(std::string_view name, const Items& items, const std::string& token, std::size_t bytes,
                      Append append) {
    std::string body;
    body.reserve(bytes + items.size() + token.size() + 64);
    body.append("{\"").append(name).append("\":[");
    for (const auto& item : items) {
        if (body.back() != '[') body += ',';
        append(body, item);
    }
    return body += "],\"next_page_token\":\"" + token + "\"}\n";
}

// How many of the items fit into one page, and their bytes.
struct fit {
    std::size_t count = 0;
    std::size_t bytes = 0;
};

fit fitting(std::span<const wire::board_event_ptr> items, page_encoding as) {
    fit found;
    for (const auto& item : items) {
        const auto bytes = size_of(*item, as);
        if (found.count != 0 && found.bytes + bytes > page_bytes_max) break;
        found.bytes += bytes;
        ++found.count;
    }
    return found;
}

} // namespace

wire::result<games_page> page_of_games(const wire::board& board, std::optional<v1::Score::Status> status,
                                       std::string_view page_token, std::uint32_t page_size,
                                       page_encoding as) {
    if (page_size > page_size_max) return page_too_large(page_size);
    if (page_size == 0) page_size = page_size_default;
    const auto after = name_of_page_token(page_token);
    if (!after) return not_a_page_token(page_token);
    games_page page;
    page.games = board.list_games(status, *after, page_size + 1);
    const auto fits =
        fitting(std::span(page.games).first(std::min<std::size_t>(page.games.size(), page_size)), as);
    page.bytes = fits.bytes;
    if (page.games.size() > fits.count) {
        page.games.resize(fits.count);
        page.next_page_token = page_token_of(page.games.back()->score()->game());
    }
    return page;
}

std::string to_json(const games_page& page) {
    return page_json("games", page.games, page.next_page_token, page.bytes,
                     [](std::string& body, const auto& game) { body += game->state_json(); });
}

wire::result<teams_page> page_of_teams(const wire::board& board, std::string_view page_token,
                                       std::uint32_t page_size, page_encoding as) {
    if (page_size > page_size_max) return page_too_large(page_size);
    const auto& ranking = board.ranking();
    auto next = ranking.begin();
    if (!page_token.empty()) {
        const auto text = name_of_page_token(page_token);
        const auto last = text ? place_of(*text) : std::nullopt;
        if (!last) return not_a_page_token(page_token);
        next = std::partition_point(ranking.begin(), ranking.end(), [&](const auto& one) {
            return !last->precedes(place(*one.team->tally()));
        });
    }
    teams_page page;
    for (; next != ranking.end(); ++next) {
        const auto bytes = size_of(*next->team, as) + rank_bytes_max;
        if (!page.teams.empty() && (page.bytes + bytes > page_bytes_max || page.teams.size() == page_size))
            break;
        page.bytes += bytes;
        page.teams.push_back(*next);
    }
    if (next != ranking.end())
        page.next_page_token = page_token_of(text_of(place(*page.teams.back().team->tally())));
    return page;
}

std::string to_json(const teams_page& page) {
    return page_json("teams", page.teams, page.next_page_token, page.bytes,
                     [](std::string& body, const auto& one) { append_ranked(body, *one.team, one.rank); });
}

void append_ranked(std::string& body, const wire::board_event& team, std::uint32_t rank) {
    body.append(team.state_json());
    body.back() = ',';
    body.append("\"rank\":");
    wire::append_json_number(body, rank);
    body += '}';
}

wire::error not_filled() {
    auto failure = wire::make_error(wire::status::unavailable,
                                    "the board has not arrived here from the database server yet");
    failure.retry_after = std::chrono::milliseconds{500};
    return failure;
}

wire::error not_reached(std::uint64_t seen, std::uint64_t sequence) {
    auto failure = wire::make_error(wire::status::unavailable,
                                    "you have seen sequence " + std::to_string(seen) + ", this server has " +
                                        std::to_string(sequence) + " and did not catch up in time");
    failure.retry_after = std::chrono::milliseconds{200};
    return failure;
}

} // namespace stadion::net
