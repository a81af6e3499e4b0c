// Where a client goes when its master fails.
//
// Taking the least loaded of the others would go wrong: while clients arrive one by one, all clients of
// server 1 would get server 2, so one failure would double one server's load. What matters is the load that a
// backup would have after the failure: its own clients and those it is to take over from this master. The
// latter are counted as backups are given out, since the fleet last changed. Clients that leave are not
// subtracted; that does no harm while they leave evenly.
//
// Invariants: the backup is never the master. A server with room comes before one without. If all others are
// full the least loaded is named, since it may have room when it is needed.
#pragma once

#include "balancer/least_loaded.hpp"

#include <map>
#include <utility>

namespace stadion::balancer {

class backup_chooser {
public:
    // None if the master is the only server.
    std::optional<server_id> choose(std::span<const candidate> servers, server_id master);

    // The fleet has changed and clients are about to move, so counting begins again.
    void reset() { inherits_.clear(); }

private:
    std::map<std::pair<server_id, server_id>, std::uint64_t> inherits_; // (master, backup) → clients
};

} // namespace stadion::balancer
