#include "dispatcher/core/fleet_ring.hpp"

#include <algorithm>
#include <utility>

namespace stadion::dispatcher {

using balancer::server_state;

fleet_ring::fleet_ring(clocksync::membership_record from, clocksync::instant now,
                       fleet_ring_settings settings)
    : settings_(settings), membership_(std::move(from), settings.bug), last_turn_(now) {
    for (const clocksync::member& one : membership_.ring()) awaited_[one.id] = now + settings_.await_for;
}

bool fleet_ring::turn(clocksync::instant now) {
    const bool stopped = now - std::exchange(last_turn_, now) > settings_.stopped_after;
    if (!stopped || settings_.bug == clocksync::planted_bug::ring_forgets_its_pause) return false;
    forgiving_until_ = now + settings_.await_for;
    for (auto& [id, until] : awaited_) until = forgiving_until_;
    return true;
}

void fleet_ring::joined(clocksync::member as) {
    awaited_.erase(as.id);
    claimed_[as.id] = as.incarnation;
    // Another process under that id, or one that was dropped since: what the ring lists is gone.
    if (incarnation_of(as.id) != as.incarnation) changed_ |= membership_.drop(as.id);
}

void fleet_ring::given_up(clocksync::server_id who) {
    awaited_.erase(who);
    changed_ |= membership_.drop(who);
}

bool fleet_ring::follow(const servers& registered, clocksync::instant now) {
    await_the_lost(registered, now);
    std::erase_if(claimed_,
                  [&](const auto& one) { return !registered.contains(balancer::server_id{one.first}); });
    const auto listed = membership_.ring();
    for (const clocksync::member& one : listed)
        if (!registered.contains(balancer::server_id{one.id}) && !awaited_.contains(one.id))
            changed_ |= membership_.drop(one.id);

    for (const auto& [id, server] : registered)
        if (server.state == server_state::up && incarnation_of(number(id)) == 0) {
            membership_.join({number(id), claimed_[number(id)]});
            changed_ = true;
        }
    return std::exchange(changed_, false);
}

void fleet_ring::await_the_lost(const servers& registered, clocksync::instant now) {
    const bool forgets = settings_.bug == clocksync::planted_bug::ring_forgets_its_pause;
    if (registered.empty() && !forgets)
        for (auto& [id, until] : awaited_) until = std::max(until, now + settings_.await_for);
    for (const auto& [id, until] : std::exchange(awaited_, {}))
        if (now < until)
            awaited_[id] = until;
        else if (!registered.contains(balancer::server_id{id}))
            changed_ |= membership_.drop(id);

    const auto is_here = [&](const clocksync::member& one) {
        return registered.contains(balancer::server_id{one.id});
    };
    const auto& listed = membership_.ring();
    const bool last = std::ranges::none_of(listed, is_here) && awaited_.empty();
    if (now >= forgiving_until_ && (!last || forgets)) return;
    for (const clocksync::member& one : listed)
        if (!is_here(one))
            awaited_.try_emplace(one.id, std::max(forgiving_until_, now + settings_.await_for));
}

std::uint64_t fleet_ring::incarnation_of(clocksync::server_id who) const {
    const auto* const found = clocksync::find_member(membership_.ring(), who);
    return found == nullptr ? 0 : found->incarnation;
}

} // namespace stadion::dispatcher
