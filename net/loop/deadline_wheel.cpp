#include "net/loop/deadline_wheel.hpp"

#include <algorithm>
#include <exception>

namespace stadion::net {

void deadline::disarm() noexcept {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = nullptr;
    if (wheel_ != nullptr) --wheel_->size_;
}

deadline_wheel::deadline_wheel(clock::time_point start) noexcept : start_(start) {
    for (auto& slot : slots_) slot.previous_ = slot.next_ = &slot;
}

deadline_wheel::~deadline_wheel() {
    for (auto& slot : slots_) {
        while (slot.next_ != &slot) slot.next_->disarm();
        slot.previous_ = slot.next_ = nullptr;
    }
}

std::uint64_t deadline_wheel::tick_of(clock::time_point time) const noexcept {
    return time <= start_ ? 0 : static_cast<std::uint64_t>((time - start_) / tick_length);
}

void deadline_wheel::link(deadline& head, deadline& entry) noexcept {
    entry.previous_ = head.previous_;
    entry.next_ = &head;
    head.previous_->next_ = &entry;
    head.previous_ = &entry;
}

void deadline_wheel::arm(deadline& entry, clock::time_point now, clock::duration after) noexcept {
    entry.disarm();
    // One tick more than the quotient, so that it never fires early.
    entry.due_tick_ = std::max(tick_of(now + after) + 1, tick_ + 1);
    entry.wheel_ = this;
    ++size_;
    link(slots_[entry.due_tick_ % slot_count], entry);
}

void deadline_wheel::advance(clock::time_point now) {
    const auto target = tick_of(now);
    if (target <= tick_) return;
    const auto steps = std::min<std::uint64_t>(target - tick_, slot_count);
    ring due;
    due.previous_ = due.next_ = &due;
    for (std::uint64_t step = 1; step <= steps; ++step) {
        auto& slot = slots_[(tick_ + step) % slot_count];
        for (auto* entry = slot.next_; entry != &slot;) {
            auto* next = entry->next_;
            if (entry->due_tick_ <= target) {
                entry->disarm();
                ++size_; // still counted until it leaves `due`
                link(due, *entry);
            }
            entry = next;
        }
    }
    tick_ = target;
    // Takes the first entry each time, because an action may disarm or rearm any entry, also one in `due`.
    std::exception_ptr thrown;
    while (due.next_ != &due) {
        auto& entry = *due.next_;
        entry.disarm();
        try {
            entry.on_expiry_(entry);
        } catch (...) {
            if (!thrown) thrown = std::current_exception();
        }
    }
    due.previous_ = due.next_ = nullptr;
    if (thrown) std::rethrow_exception(thrown);
}

} // namespace stadion::net
