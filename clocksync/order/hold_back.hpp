// The hold-back queue: batches that were received and are not delivered yet. One FIFO queue per sender; read
// in the order of (timestamp, id).
#pragma once

#include "clocksync/order/order_frame.hpp"

#include <deque>

namespace stadion::clocksync {

class hold_back {
public:
    // Senders are slots, in the order of their servers' ids. Among equal timestamps slot `ties_to` comes
    // first, then those after it. It must be the same on all servers.
    void reset(std::size_t senders, std::size_t ties_to = 0) {
        queues_.assign(senders, {});
        ties_to_ = ties_to;
    }

    void add(std::size_t slot, batch b) { queues_[slot].push_back(std::move(b)); }

    // The next batch in the total order whose sender's limit admits it, or null. `limit(slot)` is a
    // timestamp.
    template <typename Limit>
    const batch* next(Limit limit, std::size_t& slot) const {
        const batch* first = nullptr;
        for (std::size_t n = 0; n < queues_.size(); ++n) {
            const std::size_t i = (ties_to_ + n) % queues_.size();
            if (queues_[i].empty()) continue;
            const batch& front = queues_[i].front();
            if (front.timestamp > limit(i) || (first && front.timestamp >= first->timestamp)) continue;
            first = &front;
            slot = i;
        }
        return first;
    }
    batch pop(std::size_t slot) {
        batch b = std::move(queues_[slot].front());
        queues_[slot].pop_front();
        return b;
    }

    const std::deque<batch>& of(std::size_t slot) const { return queues_[slot]; }
    bool empty() const {
        for (const auto& q : queues_)
            if (!q.empty()) return false;
        return true;
    }

private:
    std::vector<std::deque<batch>> queues_;
    std::size_t ties_to_ = 0;
};

} // namespace stadion::clocksync
