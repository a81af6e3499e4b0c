// Who takes part in the strands, as which incarnation: clocksync::membership kept in step with the registry,
// across restarts and stops of the dispatcher.
//
// A server enters the ring when it is first up and stays, draining too, until the registry has lost it. The
// order's log lives as long as one member of the ring goes on to the next, so the ring must not lose those
// that live. After a restart, and after the dispatcher was stopped or could not run for longer than
// `stopped_after`, lost connections say nothing about servers: whoever the registry does not have is awaited
// for `await_for`, and whoever comes back as who it was has not noticed anything. So are the last of the ring
// at any time, and for as long as nobody is registered: an empty registry is more likely our fault than
// theirs. Until all awaited have come, or their time is over, the ring is `pending`: nobody may be shown a
// shorter one, or the order would go on without servers that live.
//
// Threading: none; one owner. Pure: what changed is for the owner to write to disk before it is shown.
#pragma once

#include "balancer/member.hpp"
#include "clocksync/ring/membership.hpp"

#include <map>

namespace stadion::dispatcher {

struct fleet_ring_settings {
    clocksync::duration await_for = std::chrono::seconds(3);
    clocksync::duration stopped_after = std::chrono::seconds(1); // well above the time between two `turn`s
    clocksync::planted_bug bug = clocksync::planted_bug::none;
};

class fleet_ring {
public:
    using servers = std::map<balancer::server_id, balancer::member>;

    fleet_ring(clocksync::membership_record from, clocksync::instant now, fleet_ring_settings settings);

    // Before every event, and every so often without one. True: we had not run for longer than we should.
    bool turn(clocksync::instant now);

    // A server has joined the registry and says as whom it was in the ring before; incarnation 0: it was not.
    void joined(clocksync::member as);
    // It has said goodbye, or others find it silent: it is not awaited.
    void given_up(clocksync::server_id who);

    // Brings the ring in step. True: it has changed.
    [[nodiscard]] bool follow(const servers& registered, clocksync::instant now);

    bool is_pending() const noexcept { return !awaited_.empty(); }
    // 0: not in the ring.
    std::uint64_t incarnation_of(clocksync::server_id who) const;
    const clocksync::membership_record& record() const noexcept { return membership_.record(); }

private:
    void await_the_lost(const servers& registered, clocksync::instant now);

    fleet_ring_settings settings_;
    clocksync::membership membership_;
    clocksync::instant last_turn_;
    clocksync::instant forgiving_until_{0};                      // a lost connection says nothing until then
    std::map<clocksync::server_id, clocksync::instant> awaited_; // until when
    std::map<clocksync::server_id, std::uint64_t> claimed_;      // by whoever joined and is not up yet
    bool changed_ = false;
};

} // namespace stadion::dispatcher
