// A place in the feed: how far somebody has come, and on which board.
//
// A board is a random number made with a store, and anew whenever the store may have gone back; sequences of
// two boards have nothing to do with each other. Written `board-sequence`, both in decimal. A bare sequence
// is read too: of a board that is not known, and taken for whatever board there is. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stadion::wire {

struct position {
    std::uint64_t board = 0; // 0: not known
    std::uint64_t sequence = 0;

    bool operator==(const position&) const = default;

    // Whether it may be of that board.
    bool is_of(std::uint64_t other) const noexcept { return board == 0 || board == other; }
};

std::string to_text(const position& where);

// Nothing when it is neither `board-sequence` nor a sequence.
std::optional<position> parse_position(std::string_view text) noexcept;

} // namespace stadion::wire
