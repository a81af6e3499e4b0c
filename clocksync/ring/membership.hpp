// Who is in the fleet: the one authority on membership, kept by the dispatcher.
//
// A pure state machine on the dispatcher's strand. Every change gives a new view with a higher number; the
// caller writes `record()` to disk before it shows that view to anyone, and starts from it again after a
// crash.
//
// Invariants: numbers only grow, across restarts too; a (id, incarnation) pair that was dropped is never
// listed again. The order's view change rests on the second: the survivors of any two views that follow one
// another are nested sets, so that no two groups can go on separately.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

namespace stadion::clocksync {

struct membership_record {
    std::uint64_t number = 0; // of the last view
    server_id last_id = 0;    // the highest ever given out
    std::vector<member> ring;

    friend bool operator==(const membership_record&, const membership_record&) = default;
};

class membership {
public:
    explicit membership(membership_record from = {}, planted_bug bug = planted_bug::none);

    // Lists a server. `previous` is what it was before, {0, 0} for a new process. A server that is still
    // listed as that keeps its place and the view stays as it is; anything else makes a new incarnation.
    member join(member previous);

    // Takes a server out. False when it was not in.
    bool drop(server_id id);

    const membership_record& record() const { return record_; }
    std::uint64_t number() const { return record_.number; }
    const std::vector<member>& ring() const { return record_.ring; }

private:
    membership_record record_;
    planted_bug bug_;
};

} // namespace stadion::clocksync
