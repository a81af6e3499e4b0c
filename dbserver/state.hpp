// One immutable version of one table: a game's score or a team's medals.
//
// A state is made under its table's lock, published once it is durable and then shared by readers, feeds and
// idempotency records without a copy. What is answered over HTTP and wire is encoded once, when first asked
// for. Threads: all functions may be called from any thread.
#pragma once

#include "wire/proto/board.pb.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>

namespace stadion::dbserver {

using table_value = std::variant<v1::Score, v1::MedalTally>;

class state {
public:
    // The value's own sequence, version and updated_at are set from the arguments.
    state(table_value value, std::uint64_t sequence, std::uint32_t version, std::int64_t updated_at_us);

    std::string table() const;              // "games/hockey", "teams/gauls"
    std::string_view name() const noexcept; // "hockey"
    std::uint64_t sequence() const noexcept { return sequence_; }
    std::uint32_t version() const noexcept { return version_; }
    std::int64_t updated_at_us() const noexcept { return updated_at_us_; }

    const table_value& value() const noexcept { return value_; }
    const v1::Score* score() const noexcept { return std::get_if<v1::Score>(&value_); }
    const v1::MedalTally* tally() const noexcept { return std::get_if<v1::MedalTally>(&value_); }

    const std::string& json() const;    // the HTTP answer: one line, without a newline
    const std::string& message() const; // the protobuf message

private:
    table_value value_;
    std::uint64_t sequence_;
    std::uint32_t version_;
    std::int64_t updated_at_us_;

    mutable std::once_flag json_once_;
    mutable std::once_flag message_once_;
    mutable std::string json_;
    mutable std::string message_;
};

using state_ptr = std::shared_ptr<const state>;

// The state as its table file has it: pretty-printed, with a newline at the end.
std::string to_pretty_json(const state& what);

// "games/hockey" for a game, "teams/gauls" for a team.
inline constexpr std::string_view games_prefix = "games/";
inline constexpr std::string_view teams_prefix = "teams/";

} // namespace stadion::dbserver
