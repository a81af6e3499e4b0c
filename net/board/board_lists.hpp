// Pages of games and teams, and the errors that all readers of the board share.
#pragma once

#include "wire/board.hpp"
#include "wire/result.hpp"

namespace stadion::net {

inline constexpr std::uint32_t page_size_default = 100;
inline constexpr std::uint32_t page_size_max = 1000;

// A page ends early when its encoded items reach this size. It holds at least one item.
inline constexpr std::size_t page_bytes_max = 1 << 20;

// How the items are encoded, which decides their size.
enum class page_encoding : std::uint8_t { protobuf, json };

// How long the answer to a write waits at most until this server's board shows it.
inline constexpr std::chrono::milliseconds own_write_within{500};

// A page token is the last name of the page in hexadecimal, so that it needs no escape in a URL.
std::string page_token_of(std::string_view name);
std::optional<std::string> name_of_page_token(std::string_view token);
wire::error not_a_page_token(std::string_view token);

// Teams in order of rank. The page token holds the medals and the name of the last team, so that a team whose
// medals do not change meanwhile is listed exactly once.
struct teams_page {
    std::vector<wire::board::ranked> teams;
    std::string next_page_token; // empty: there are no more
    std::size_t bytes = 0;       // at most, of all teams encoded
};

// `page_size` 0: as many as `page_bytes_max` allows. INVALID_ARGUMENT beyond the maximum.
wire::result<teams_page> page_of_teams(const wire::board& board, std::string_view page_token,
                                       std::uint32_t page_size, page_encoding as);

// {"teams":[…],"next_page_token":"…"}
std::string to_json(const teams_page& page);

// A team as JSON, with its rank: `{"team":…,"rank":n}`.
void append_ranked(std::string& body, const wire::board_event& team, std::uint32_t rank);

struct games_page {
    std::vector<wire::board_event_ptr> games;
    std::string next_page_token; // empty: there are no more
    std::size_t bytes = 0;       // of all games encoded
};

// `page_token` is that of the page before, or empty; `page_size` 0 means the default. INVALID_ARGUMENT beyond
// the maximum.
wire::result<games_page> page_of_games(const wire::board& board, std::optional<v1::Score::Status> status,
                                       std::string_view page_token, std::uint32_t page_size,
                                       page_encoding as);

// {"games":[…],"next_page_token":"…"}
std::string to_json(const games_page& page);

// UNAVAILABLE: the caller has seen a later sequence than this server has.
wire::error not_reached(std::uint64_t seen, std::uint64_t sequence);

// UNAVAILABLE: this server has no board yet.
wire::error not_filled();

} // namespace stadion::net
