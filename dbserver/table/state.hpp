// One immutable version of one table: a game's score or a team's medals.
//
// A state is drafted under its table's lock and stamped with its sequence, version and time when it is
// appended to the journal. It is published once it is durable. From then on readers, feeds and outcomes share
// it without copying. Its JSON and its protobuf bytes are encoded when first asked for, once per version.
// Threads: once published, all const functions may be called from any thread.
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

// A table is named "games/hockey" for a game, "teams/gauls" for a team.
inline constexpr std::string_view games_prefix = "games/";
inline constexpr std::string_view teams_prefix = "teams/";

class state {
public:
    explicit state(table_value value) : value_(std::move(value)) {}

    // Before publication only. Also sets the sequence, version and updated_at of the message.
    void stamp(std::uint64_t sequence, std::uint32_t version, std::int64_t updated_at_us);
    table_value& draft() noexcept { return value_; }

    std::string table() const;                // "games/hockey"
    const std::string& name() const noexcept; // "hockey"
    std::uint64_t sequence() const noexcept;
    std::uint32_t version() const noexcept;
    std::int64_t updated_at_us() const noexcept { return updated_at_us_; }

    const table_value& value() const noexcept { return value_; }
    const v1::Score* score() const noexcept { return std::get_if<v1::Score>(&value_); }
    const v1::MedalTally* tally() const noexcept { return std::get_if<v1::MedalTally>(&value_); }

    const std::string& json() const;    // the HTTP answer: one line, without a newline
    const std::string& message() const; // the protobuf message's bytes

private:
    table_value value_;
    std::int64_t updated_at_us_ = 0;

    mutable std::once_flag json_once_;
    mutable std::once_flag message_once_;
    mutable std::string json_;
    mutable std::string message_;
};

using state_ptr = std::shared_ptr<const state>;

} // namespace stadion::dbserver
