// Where a subscriber is in the feed, so that it can go on elsewhere without a gap and without seeing anything
// twice. Pure.
//
// A feed is events in ascending sequence. It may begin with, or fall back to, a snapshot: a reset that says
// how many states follow and which sequence they make up. Only when the last of them has come has everything
// up to that sequence been seen; a subscriber cut off in the middle asks for the whole snapshot again.
#pragma once

#include "wire/proto/board.pb.h"

#include <algorithm>
#include <cstdint>

namespace stadion::tools {

class feed_position {
public:
    explicit feed_position(std::uint64_t since = 0) : position_(since) {}

    // A new subscription begins, at `resume_from`.
    void restart() noexcept { states_left_ = 0; }

    // Whether the event is news: false for resets and for what was seen before.
    bool take(const v1::Event& event) noexcept {
        if (event.has_reset()) {
            snapshot_ = event.sequence();
            states_left_ = event.reset().states();
            ++resets_;
            if (states_left_ == 0) position_ = snapshot_;
            return false;
        }
        if (event.has_draw()) return true; // shown as it happens, at no place of its own in the feed
        if (states_left_ > 0) {
            if (--states_left_ == 0) position_ = std::max(snapshot_, event.sequence());
            return true;
        }
        if (event.sequence() <= position_) return false;
        position_ = event.sequence();
        return true;
    }

    // Everything up to here was seen.
    std::uint64_t resume_from() const noexcept { return position_; }
    std::uint64_t resets() const noexcept { return resets_; }

private:
    std::uint64_t position_;
    std::uint64_t snapshot_ = 0;
    std::uint64_t resets_ = 0;
    std::uint32_t states_left_ = 0;
};

} // namespace stadion::tools
