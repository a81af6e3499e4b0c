#include "dispatcher/core/fleet_ring.hpp"

#include <algorithm>
#include <utility>

namespace stadion::dispatcher {

using balancer::server_state;

fleet_ring::fleet_ring(clocksync::ring_record from, clocksync::instant now, fleet_ring_settings settings)
    : settings_(settings), authority_(std::move(from), settings.bug), last_check_(now) {
    for (const clocksync::ring_member& one : authority_.ring()) awaited_[one.id] = now + settings_.await_for;
}

bool fleet_ring::check_pause(clocksync::instant now) {
    const bool paused = now - std::exchange(last_check_, now) > settings_.paused_after;
    if (!paused || settings_.bug == clocksync::planted_bug::ring_forgets_its_pause) return false;
    grace_until_ = now + settings_.await_for;
    for (auto& [id, until] : awaited_) until = grace_until_;
    return true;
}

void fleet_ring::joined(clocksync::ring_member as) {
    awaited_.erase(as.id);
    claimed_[as.id] = as.incarnation;
    // Another process under that id, or one that was dropped since: the listed incarnation is gone.
    if (incarnation_of(as.id) != as.incarnation) changed_ |= authority_.drop(as.id);
}

void fleet_ring::given_up(clocksync::server_id who) {
    awaited_.erase(who);
    changed_ |= authority_.drop(who);
}

bool fleet_ring::follow(const servers& registered, clocksync::instant now) {
    await_lost(registered, now);
    std::erase_if(claimed_,
                  [&](const auto& one) { return !registered.contains(balancer::server_id{one.first}); });
    const auto listed = authority_.ring();
    for (const clocksync::ring_member& one : listed)
        if (!registered.contains(balancer::server_id{one.id}) && !awaited_.contains(one.id))
            changed_ |= authority_.drop(one.id);

    for (const auto& [id, server] : registered)
        if (server.state == server_state::up && incarnation_of(number(id)) == 0) {
            authority_.join({number(id), claimed_[number(id)]});
            changed_ = true;
        }
    return std::exchange(changed_, false);
}

void fleet_ring::await_lost(const servers& registered, clocksync::instant now) {
    const bool forgets = settings_.bug == clocksync::planted_bug::ring_forgets_its_pause;
    if (registered.empty() && !forgets)
        for (auto& [id, until] : awaited_) until = std::max(until, now + settings_.await_for);
    for (const auto& [id, until] : std::exchange(awaited_, {}))
        if (now < until)
            awaited_[id] = until;
        else if (!registered.contains(balancer::server_id{id}))
            changed_ |= authority_.drop(id);

    const auto is_here = [&](const clocksync::ring_member& one) {
        return registered.contains(balancer::server_id{one.id});
    };
    const auto& listed = authority_.ring();
    const bool last = std::ranges::none_of(listed, is_here) && awaited_.empty();
    if (now >= grace_until_ && (!last || forgets)) return;
    for (const clocksync::ring_member& one : listed)
        if (!is_here(one)) awaited_.try_emplace(one.id, std::max(grace_until_, now + settings_.await_for));
}

std::uint64_t fleet_ring::incarnation_of(clocksync::server_id who) const {
    const auto* const found = clocksync::find_member(authority_.ring(), who);
    return found == nullptr ? 0 : found->incarnation;
}

} // namespace stadion::dispatcher
