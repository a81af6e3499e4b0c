// One logical change to one table: how it is validated, applied, and written as a line of JSON.
//
// A caller's mutation and a recorded line are both read into an operation. An update and its replay therefore
// run the same code. An operation holds views, into the mutation or into the reader of the line. All
// functions here are pure.
#pragma once

#include "dbserver/table/state_json.hpp"
#include "dbserver/table/write_sessions.hpp"
#include "wire/names.hpp"
#include "wire/result.hpp"

#include "wire/proto/database.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::dbserver {

enum class operation_kind : std::uint8_t {
    update_score,
    replace_score,
    increment_medal,
    replace_tally,
    reversal,
    freeze
};

std::string_view operation_name(operation_kind kind) noexcept;

enum class medal_kind : std::uint8_t { gold, silver, bronze };

std::string_view medal_name(medal_kind kind) noexcept;
std::optional<medal_kind> parse_medal(std::string_view name) noexcept;

struct operation {
    operation_kind kind = operation_kind::update_score;
    std::string_view
        prefix; // games/ or teams/; empty for a freeze, and for a reversal until its table is found
    std::string_view name;
    std::optional<std::string_view> title;
    std::optional<v1::Score::Status> status;
    std::vector<std::pair<std::string_view, std::int32_t>> points; // in the order of names
    medal_kind medal = medal_kind::gold;
    std::int32_t by = 0;
    std::uint32_t gold = 0, silver = 0, bronze = 0;
    std::uint64_t reverses = 0;
    std::string_view reason;
    std::string_view becomes; // a recorded reversal: the state it made, as JSON
    bool frozen = false;
    std::optional<std::uint32_t> expect_version;
    std::string_view key;
    std::uint64_t hash = 0;   // request_hash, when there is a key
    std::uint32_t caller = 0; // hash of the caller whose key it is
    numbering numbered_in;    // the write session, when the mutation is numbered
    std::uint64_t number = 0; // its number in that session; 0: it has none
};

struct limits {
    std::size_t name_bytes_max = wire::name_bytes_max;
    std::size_t title_bytes_max = 1024;
    std::size_t reason_bytes_max = 1024;
    std::size_t key_bytes_max = 256;
    std::size_t points_per_game_max = 1000;
    std::size_t game_bytes_max = 64u << 10; // encoded; games stored before this limit may be larger
    std::uint32_t medals_max = 1'000'000'000;
};

// Tells apart different requests under the same key (FNV-1a, 64 bits; Fowler, Noll, Vo).
std::uint64_t request_hash(const operation& op);

// Fills the operation from the mutation, which must outlive it, and validates all that does not depend on the
// table. The error says what is invalid.
std::optional<wire::error> read_mutation(const v1::Mutation& mutation, const limits& within, operation& into);

// Applies the operation to the draft, which is a copy of the previous state or an empty value with its name.
// After an error the draft must be discarded.
std::optional<wire::error> apply(const operation& op, const limits& within, table_value& draft);

// RESOURCE_EXHAUSTED when a game would have more than game_bytes_max.
std::optional<wire::error> check_size(const table_value& made, const limits& within);

// An empty value of the operation's table.
table_value empty_value(std::string_view prefix, std::string_view name);

// A recorded line: the operation with its sequence, time and version.
struct line {
    std::uint64_t sequence = 0;
    std::int64_t at_us = 0;
    std::uint32_t version = 0;
    operation op;
};

// A line is a head and a body. The body is written first, outside the sequencer's lock; the head needs the
// sequence, which is known only under it. The body ends the object.
void append_line_head(std::string& to, std::uint64_t sequence, std::int64_t at_us, std::uint32_t version);
void append_line_body(std::string& to, const operation& op);
bool read_line(json_reader& in, line& into);

// A replace line that makes this state from nothing: the first line of a history that lost its beginning.
std::string line_of_state(const state& what);

// The operation as the history shows it: without key, number and resulting state.
std::string details_of(operation op);

} // namespace stadion::dbserver
