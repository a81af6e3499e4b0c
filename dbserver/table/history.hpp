// A table's past, from its lines: the states it went through, and what it would be without one of them.
// Pure functions.
#pragma once

#include "dbserver/table/operation.hpp"
#include "dbserver/table/store.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace stadion::dbserver {

// The state that a line makes of the one before (null: of none); null when it cannot.
std::shared_ptr<state> next_state(const line& one, const limits& within, const state* before);

// The sequence of a line; 0 when it is not one.
std::uint64_t sequence_of_line(std::string_view line) noexcept;
// Shows each line, with its newline, and its sequence.
void for_each_line(std::string_view lines,
                   const std::function<void(std::string_view line, std::uint64_t sequence)>& show);
// Whether one of the lines is of that commit.
bool has_line_of(std::string_view lines, std::uint64_t sequence);

// Plays the lines, oldest first, and shows each with the state it made (null `visit` answers stop it). A line
// that cannot be read or applied is DATA_LOSS.
wire::result<void> replay(std::string_view lines, const limits& within,
                          const std::function<bool(const line&, const std::shared_ptr<state>&)>& visit);

// The changes after a version, up to and including a sequence, each with the reversal that undid it.
wire::result<std::vector<change>> changes_of(std::string_view lines, const limits& within,
                                             std::uint32_t after_version, std::uint64_t up_to_sequence,
                                             std::size_t limit);

// The last state not after `at_us` and `up_to_sequence`, null when there was none.
wire::result<state_ptr> state_at(std::string_view lines, const limits& within, std::int64_t at_us,
                                 std::uint64_t up_to_sequence);

// What the table becomes when the commit is undone: all the others that are not undone, played again. To undo
// a reversal is to do again what it undid. FAILED_PRECONDITION when it is undone already or when the others
// do not work without it; NOT_FOUND when these lines do not have it.
wire::result<table_value> without(std::string_view lines, const limits& within, std::uint64_t sequence);

} // namespace stadion::dbserver
