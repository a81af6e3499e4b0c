// Which servers are in the ring: keeps clocksync::ring_authority in step with the registry, across restarts
// and pauses of the dispatcher.
//
// A server enters the ring when it is first up. It stays, draining too, until the registry has lost it. The
// order's log lives as long as one member of the ring goes on to the next ring, so members that live must not
// be dropped. Lost connections prove nothing about servers in these cases: after a restart; after a pause,
// which is when the dispatcher did not run for longer than `paused_after`; and when all members are lost at
// once, since that is more likely this machine's fault than theirs. Then the missing members are awaited for
// `await_for`, and longer while nobody is registered. A server that rejoins under the identity it had keeps
// its place. Until all awaited servers have come, or their time is over, the ring is `pending`: nobody may be
// shown a shorter one, or the order would go on without servers that live.
//
// Threading: none; one owner. Pure: the owner writes what changed to disk before it is shown.
#pragma once

#include "balancer/member.hpp"
#include "clocksync/ring/ring_authority.hpp"

#include <map>

namespace stadion::dispatcher {

struct fleet_ring_settings {
    clocksync::duration await_for = std::chrono::seconds(3);
    clocksync::duration paused_after = std::chrono::seconds(1); // well above the time between two checks
    clocksync::planted_bug bug = clocksync::planted_bug::none;
};

class fleet_ring {
public:
    using servers = std::map<balancer::server_id, balancer::member>;

    fleet_ring(clocksync::ring_record from, clocksync::instant now, fleet_ring_settings settings);

    // To be called before every event, and regularly without one. True: the dispatcher was paused.
    bool check_pause(clocksync::instant now);

    // A server has joined the registry. `as` is the identity it claims to have had in the ring; incarnation
    // 0: none.
    void joined(clocksync::ring_member as);
    // The server has left, was replaced, or others find it silent: it is not awaited.
    void given_up(clocksync::server_id who);

    // Brings the ring in step with the registry. True: it has changed.
    [[nodiscard]] bool follow(const servers& registered, clocksync::instant now);

    bool is_pending() const noexcept { return !awaited_.empty(); }
    // 0: not in the ring.
    std::uint64_t incarnation_of(clocksync::server_id who) const;
    const clocksync::ring_record& record() const noexcept { return authority_.record(); }

private:
    void await_lost(const servers& registered, clocksync::instant now);

    fleet_ring_settings settings_;
    clocksync::ring_authority authority_;
    clocksync::instant last_check_;
    clocksync::instant grace_until_{0}; // until then a lost connection proves nothing
    std::map<clocksync::server_id, clocksync::instant> awaited_; // until when
    std::map<clocksync::server_id, std::uint64_t> claimed_;      // by servers that joined and are not up yet
    bool changed_ = false;
};

} // namespace stadion::dispatcher
