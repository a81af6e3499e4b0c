// The hold-back queue: batches received and not yet delivered, one FIFO per sender, read in (timestamp, id)
// order.
#pragma once

#include "clocksync/order/order_frame.hpp"

#include <deque>

namespace stadion::clocksync {

class hold_back {
public:
    // Senders by slot; the slots are in the order of the servers' ids, which breaks ties.
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
    std::size_t ties_to_ = 0; // everyone's must be the same
};

} // namespace stadion::clocksync
