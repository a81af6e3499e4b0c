// Where a subscriber is in the feed, so that it can go on elsewhere without a gap and without seeing anything
// twice. Pure.
//
// A feed is events in ascending sequence. It may begin with, or fall back to, a snapshot: a reset that says
// how many states follow and which sequence they make up. Only when the last of them has come has everything
// up to that sequence been seen; a subscriber cut off in the middle asks for the whole snapshot again. A
// reset also says which board it is of: sequences of another one before it count no more.
#pragma once

#include "wire/position.hpp"
#include "wire/proto/board.pb.h"

#include <algorithm>
#include <cstdint>

namespace stadion::tools {

class feed_position {
public:
    explicit feed_position(wire::position since = {}) : board_(since.board), position_(since.sequence) {}

    // A new subscription begins, at `resume_from`.
    void restart() noexcept { states_left_ = 0; }

    // Whether the event is news: false for resets and for what was seen before.
    bool take(const v1::Event& event) noexcept {
        if (event.has_reset()) {
            snapshot_ = event.sequence();
            snapshot_board_ = event.reset().board();
            states_left_ = event.reset().states();
            ++resets_;
            if (states_left_ == 0) arrive(snapshot_);
            return false;
        }
        if (event.has_draw()) return true; // shown as it happens, at no place of its own in the feed
        if (states_left_ > 0) {
            if (--states_left_ == 0) arrive(std::max(snapshot_, event.sequence()));
            return true;
        }
        if (event.sequence() <= position_) return false;
        position_ = event.sequence();
        return true;
    }

    // Everything up to here was seen.
    wire::position resume_from() const noexcept { return {board_, position_}; }
    // The board it is on, as its server says: where a subscription without a reset begins.
    void is_on(std::uint64_t board) noexcept {
        if (position_ == 0) board_ = board;
    }
    std::uint64_t resets() const noexcept { return resets_; }

private:
    void arrive(std::uint64_t at) noexcept {
        position_ = at;
        board_ = snapshot_board_;
    }

    std::uint64_t board_;
    std::uint64_t position_;
    std::uint64_t snapshot_ = 0;
    std::uint64_t snapshot_board_ = 0;
    std::uint64_t resets_ = 0;
    std::uint32_t states_left_ = 0;
};

} // namespace stadion::tools
