// A table's history, read from its lines: the states it went through, and its value without one commit. Pure
// functions.
#pragma once

#include "dbserver/table/operation.hpp"
#include "dbserver/table/store.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace stadion::dbserver {

// The state that the line makes from the previous one (null: there is none). Null when it does not apply.
std::shared_ptr<state> next_state(const line& one, const limits& within, const state* before);

// The sequence of a line; 0 when the text is not a line.
std::uint64_t sequence_of_line(std::string_view line) noexcept;
// Calls `show` with each line, its newline included, and its sequence.
void for_each_line(std::string_view lines,
                   const std::function<void(std::string_view line, std::uint64_t sequence)>& show);
// Whether one of the lines records that commit.
bool has_line_of(std::string_view lines, std::uint64_t sequence);

// Applies the lines, oldest first, and calls `visit` with each and the state it made, until `visit` returns
// false. DATA_LOSS when a line cannot be read or applied.
wire::result<void> replay(std::string_view lines, const limits& within,
                          const std::function<bool(const line&, const std::shared_ptr<state>&)>& visit);

// At most `limit` changes after a version, up to and including a sequence. Each says which reversal undid it.
wire::result<std::vector<change>> changes_of(std::string_view lines, const limits& within,
                                             std::uint32_t after_version, std::uint64_t up_to_sequence,
                                             std::size_t limit);

// The last state at or before both `at_us` and `up_to_sequence`; null when there was none.
wire::result<state_ptr> state_at(std::string_view lines, const limits& within, std::int64_t at_us,
                                 std::uint64_t up_to_sequence);

// The table's value when the commit is undone: all other commits that are not undone, applied again. Undoing
// a reversal restores what the reversal undid. FAILED_PRECONDITION when the commit is undone already, or when
// a later commit does not apply without it. NOT_FOUND when no line records it.
wire::result<table_value> without(std::string_view lines, const limits& within, std::uint64_t sequence);

} // namespace stadion::dbserver
