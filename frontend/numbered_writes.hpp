// The numbers of one write session: which is next, and which is the lowest that is still open.
//
// A number is open from `next` until `end`. No more than `window` lie between the lowest open one and the
// next, so that the database server can remember them all; beyond, none is given until one ends. A value:
// belongs to whoever holds it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace stadion::frontend {

class numbered_writes {
public:
    static constexpr std::uint64_t window = 32'768; // half of what the database server takes

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

    // Every lower one has ended. The next one, when none is open.
    std::uint64_t lowest_open() const noexcept { return lowest_; }

private:
    std::uint64_t lowest_ = 1;
    std::deque<bool> open_; // of the numbers from lowest_ on
};

} // namespace stadion::frontend
