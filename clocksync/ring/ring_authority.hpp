// Which servers are in the ring, each as which incarnation. Only the dispatcher decides it.
//
// A pure state machine with one owner. Every change makes a view with a higher number. The owner writes
// `record()` to disk before it shows that view to anyone, and starts from the record again after a crash.
//
// Invariants: numbers only grow, across restarts too. An (id, incarnation) pair that was dropped is never
// listed again. The order's view change relies on the second: the survivors of consecutive views are nested
// sets, so two groups of servers cannot both go on.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

namespace stadion::clocksync {

struct ring_record {
    std::uint64_t number = 0; // of the last view
    server_id last_id = 0;    // the highest ever given out
    std::vector<ring_member> ring;

    friend bool operator==(const ring_record&, const ring_record&) = default;
};

class ring_authority {
public:
    explicit ring_authority(ring_record from = {}, planted_bug bug = planted_bug::none);

    // Lists a server. `previous` is its identity before, {0, 0} for a new process. A server that is still
    // listed under that identity keeps its place, and the view does not change. Any other gets a new
    // incarnation.
    ring_member join(ring_member previous);

    // Removes a server. False: it was not listed.
    bool drop(server_id id);

    const ring_record& record() const { return record_; }
    std::uint64_t number() const { return record_.number; }
    const std::vector<ring_member>& ring() const { return record_.ring; }

private:
    ring_record record_;
    planted_bug bug_;
};

} // namespace stadion::clocksync
