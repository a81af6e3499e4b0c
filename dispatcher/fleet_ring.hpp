// Who takes part in the strands, as which incarnation: clocksync::membership kept in step with the registry,
// across restarts of the dispatcher.
//
// A server enters the ring when it is first up and stays, draining too, until the registry has lost it. After
// a restart the ring is that of before: the servers in it are awaited for as long as a server may be silent,
// and one that comes back as who it was has not noticed anything. Until all have, or that time is over, the
// ring is `pending`: nobody may be shown a shorter one, or the order would go on without servers that live.
//
// Threading: none; one owner. Pure: what changed is for the owner to write to disk before it is shown.
#pragma once

#include "balancer/member.hpp"
#include "clocksync/membership.hpp"

#include <map>

namespace stadion::dispatcher {

class fleet_ring {
public:
    using servers = std::map<balancer::server_id, balancer::member>;

    fleet_ring(clocksync::membership_record from, clocksync::instant now, clocksync::duration await_for);

    // A server has joined the registry and says as whom it was in the ring before; incarnation 0: it was not.
    void joined(clocksync::member as);
    // Others find it silent: it is awaited no more.
    void silenced(clocksync::server_id who);

    // Brings the ring in step. True: it has changed.
    [[nodiscard]] bool follow(const servers& registered, clocksync::instant now);

    bool is_pending() const noexcept { return !awaited_.empty(); }
    // 0: not in the ring.
    std::uint64_t incarnation_of(clocksync::server_id who) const;
    const clocksync::membership_record& record() const noexcept { return membership_.record(); }

private:
    clocksync::membership membership_;
    std::map<clocksync::server_id, clocksync::instant> awaited_; // until when
    bool changed_ = false;
};

} // namespace stadion::dispatcher
