// The numbers of one write session: which is next, and which is the lowest that is still open.
//
// A number is open from `next` until `end`. All open numbers lie within `window` of the lowest, so that the
// database server can remember them. When the window is full, no number is given until the lowest ends. A
// value type without a lock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace stadion::frontend {

class numbered_writes {
public:
    static constexpr std::uint64_t window = 32'768; // half of the database server's window

    // Nothing when the window is full.
    std::optional<std::uint64_t> next() {
        if (open_.size() >= window) return std::nullopt;
        open_.push_back(true);
        return lowest_ + open_.size() - 1;
    }

    void end(std::uint64_t number) {
        if (number < lowest_ || number - lowest_ >= open_.size()) return;
        open_[static_cast<std::size_t>(number - lowest_)] = false;
        while (!open_.empty() && !open_.front()) {
            open_.pop_front();
            ++lowest_;
        }
    }

    // All lower numbers have ended. When none is open, the number that comes next.
    std::uint64_t lowest_open() const noexcept { return lowest_; }

private:
    std::uint64_t lowest_ = 1;
    std::deque<bool> open_; // by number, from lowest_ on
};

} // namespace stadion::frontend
