#include "dispatcher/fleet_ring.hpp"

#include <utility>

namespace stadion::dispatcher {

using balancer::server_state;

fleet_ring::fleet_ring(clocksync::membership_record from, clocksync::instant now,
                       clocksync::duration await_for)
    : membership_(std::move(from)) {
    for (const clocksync::member& one : membership_.ring()) awaited_[one.id] = now + await_for;
}

void fleet_ring::joined(clocksync::member as) {
    awaited_.erase(as.id);
    // Another process under that id, or one that was dropped since: what the ring lists is gone.
    if (incarnation_of(as.id) != as.incarnation) changed_ |= membership_.drop(as.id);
}

void fleet_ring::silenced(clocksync::server_id who) { awaited_.erase(who); }

bool fleet_ring::follow(const servers& registered, clocksync::instant now) {
    std::erase_if(awaited_, [now](const auto& one) { return now >= one.second; });

    const auto listed = membership_.ring();
    for (const clocksync::member& one : listed)
        if (!registered.contains(balancer::server_id{one.id}) && !awaited_.contains(one.id))
            changed_ |= membership_.drop(one.id);

    for (const auto& [id, server] : registered)
        if (server.state == server_state::up && incarnation_of(number(id)) == 0) {
            membership_.join({number(id), 0});
            changed_ = true;
        }
    return std::exchange(changed_, false);
}

std::uint64_t fleet_ring::incarnation_of(clocksync::server_id who) const {
    const auto* const found = clocksync::find_member(membership_.ring(), who);
    return found == nullptr ? 0 : found->incarnation;
}

} // namespace stadion::dispatcher
