// Where a client goes when its master fails.
//
// Simply the least loaded of the others would be a trap: while clients arrive one by one, loads fall into
// step and every client of server 1 gets server 2, so that one failure doubles one server's load. What
// matters is the load a backup would have after the failure: its own clients plus those it is to inherit from
// this master. Inheritances are counted as they are given out, since the fleet last changed; departures are
// not known here, and do not matter as long as they strike evenly.
//
// Invariants: the backup is never the master. A server with room comes before one without; when all others
// are full, the least loaded is named all the same, for it may have room by the time it is needed.
#pragma once

#include "balancer/least_loaded.hpp"

#include <map>
#include <utility>

namespace stadion::balancer {

class backup_chooser {
public:
    // None if the master is the only server.
    std::optional<server_id> choose(std::span<const candidate> servers, server_id master);

    // The fleet has changed: clients are about to move, inheritances start anew.
    void reset() { inherits_.clear(); }

private:
    std::map<std::pair<server_id, server_id>, std::uint64_t> inherits_; // (master, backup) → clients
};

} // namespace stadion::balancer
