// One logical change to one table: checked, applied, and as a line of JSON in the journal and the history.
//
// An operation is what a caller's mutation and a recorded line have in common, so that an update and its
// replay are the same code. It holds views: into the mutation, or into the reader of the line.
// Everything here is a pure function.
#pragma once

#include "dbserver/table/state_json.hpp"
#include "dbserver/table/write_sessions.hpp"
#include "wire/result.hpp"

#include "wire/proto/database.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::dbserver {

enum class verb : std::uint8_t {
    update_score,
    replace_score,
    increment_medal,
    replace_tally,
    reversal,
    freeze
};

std::string_view verb_name(verb what) noexcept;

enum class medal_kind : std::uint8_t { gold, silver, bronze };

std::string_view medal_name(medal_kind what) noexcept;
std::optional<medal_kind> parse_medal(std::string_view name) noexcept;

struct operation {
    verb what = verb::update_score;
    std::string_view prefix; // games/ or teams/; empty for freeze, and for a reversal until it is found
    std::string_view name;
    std::optional<std::string_view> title;
    std::optional<v1::Score::Status> status;
    std::vector<std::pair<std::string_view, std::int32_t>> points; // in the order of names
    medal_kind medal = medal_kind::gold;
    std::int32_t by = 0;
    std::uint32_t gold = 0, silver = 0, bronze = 0;
    std::uint64_t reverses = 0;
    std::string_view reason;
    std::string_view becomes; // a reversal's line: the state it made, as JSON
    bool frozen = false;
    std::optional<std::uint32_t> expect_version;
    std::string_view key;
    std::uint64_t hash = 0;   // of the request as it was asked, when there is a key
    std::uint32_t caller = 0; // whose key it is, as a hash
    numbering numbered_in;    // of a session instead, with
    std::uint64_t number = 0; // the number there; 0: none
};

struct limits {
    std::size_t name_bytes_max = 128;
    std::size_t title_bytes_max = 1024;
    std::size_t reason_bytes_max = 1024;
    std::size_t key_bytes_max = 256;
    std::size_t points_per_game_max = 1000;
    std::size_t game_bytes_max =
        64u << 10; // as it is encoded for a reply; what is there already may be larger
    std::uint32_t medals_max = 1'000'000'000;
};

// Tells one request from another under the same key (FNV-1a, 64 bits; Fowler, Noll, Vo).
std::uint64_t request_hash(const operation& what);

// Fills the operation from the mutation, which must outlive it, and checks what can be checked without a
// table. An error names what is wrong.
std::optional<wire::error> read_mutation(const v1::Mutation& mutation, const limits& within, operation& into);

// Applies to the draft of the next state, which begins as a copy of the one before or as an empty one with
// its name. On an error the draft is of no use.
std::optional<wire::error> apply(const operation& what, const limits& within, table_value& draft);

// What a new state may not be, although it could be made: RESOURCE_EXHAUSTED for a game of too many bytes.
std::optional<wire::error> check_size(const table_value& made, const limits& within);

// An empty value of the operation's table.
table_value empty_value(std::string_view prefix, std::string_view name);

// A recorded line: where the operation stands, and what it is.
struct line {
    std::uint64_t sequence = 0;
    std::int64_t at_us = 0;
    std::uint32_t version = 0;
    operation what;
};

// A line is a head, which is known last and quickly made, and a body. The body ends the object.
void append_line_head(std::string& to, std::uint64_t sequence, std::int64_t at_us, std::uint32_t version);
void append_line_body(std::string& to, const operation& what);
bool read_line(json_reader& in, line& into);

// A line that makes the state from nothing: where a history begins whose beginning is lost.
std::string line_of_state(const state& what);

// The operation alone, as history shows it: without what makes it count once.
std::string details_of(operation what);

} // namespace stadion::dbserver
