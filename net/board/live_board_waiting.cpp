// Waiting until the board has reached a sequence: readers for what they have seen, writers for what they have
// written, subscribers for a position that this board does not have yet.
#include "net/board/board_lists.hpp"
#include "net/board/live_board.hpp"

#include <algorithm>

namespace stadion::net {

void live_board::waiter::expire() {
    auto self = std::move(node->second);
    owner->waiters_.erase(node);
    self->then(false);
}

live_board::waiter& live_board::wait(std::uint64_t sequence, std::chrono::milliseconds within,
                                     std::function<void(bool)> then) {
    auto one = std::make_unique<waiter>();
    auto& entry = *one;
    entry.owner = this;
    entry.then = std::move(then);
    entry.node = waiters_.emplace(sequence, std::move(one));
    home_.arm(entry, within);
    return entry;
}

void live_board::forget(waiter& entry) {
    entry.disarm();
    waiters_.erase(entry.node);
}

// Called last, because it may destroy the entry.
void live_board::ask_head_for(waiter& entry) {
    entry.asks = true;
    entry.since_inquiry = inquiries ? inquiries->load(std::memory_order_acquire) : 0;
    if (ask_head) ask_head(entry.node->first);
}

void live_board::when_reached(std::uint64_t sequence, std::chrono::milliseconds within,
                              std::function<void(bool)> then) {
    if (board_.sequence() >= sequence) return then(true);
    wait(sequence, within, std::move(then));
}

void live_board::when_seen(const wire::position& seen, std::chrono::milliseconds within,
                           std::function<void(wire::result<void>)> then) {
    if (!filled_) return then(not_filled());
    if (is_seen(seen)) return then({});
    ask_head_for(wait(seen.sequence, within, [this, seen, then = std::move(then)](bool known) {
        if (known) return then({});
        then(not_reached(seen.sequence, board_.sequence()));
    }));
}

// One at a time, because `then` may remove other waiters.
void live_board::wake(const std::function<bool(const waiter&)>& whose) {
    for (;;) {
        const auto found = std::find_if(waiters_.begin(), waiters_.end(),
                                        [&](const auto& entry) { return whose(*entry.second); });
        if (found == waiters_.end()) return;
        const auto woken = std::move(found->second);
        waiters_.erase(found);
        woken->disarm();
        woken->then(true);
    }
}

// After a change of the board's id, no earlier position matters.
void live_board::wake_all() {
    auto left = waiters_.size(); // not those that are added meanwhile
    wake([&](const waiter&) { return left != 0 && left-- != 0; });
}

void live_board::on_head(std::uint64_t head, std::uint64_t inquiry) {
    wake(
        [&](const waiter& one) { return one.asks && one.since_inquiry < inquiry && one.node->first > head; });
}

void live_board::wake_waiters() {
    while (!waiters_.empty() && waiters_.begin()->first <= board_.sequence()) {
        auto node = waiters_.extract(waiters_.begin());
        node.mapped()->disarm();
        node.mapped()->then(true);
    }
}

} // namespace stadion::net
