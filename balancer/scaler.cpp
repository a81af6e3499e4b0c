#include "balancer/scaler.hpp"

#include <cassert>
#include <tuple>

namespace stadion::balancer {
namespace {

struct totals {
    std::uint32_t servers = 0; // up or starting
    bool any_starting = false;
    bool any_draining = false;
    std::uint64_t clients = 0;
    std::uint64_t capacity = 0;
    const front_end_load* emptiest = nullptr;
};

totals add_up(std::span<const front_end_load> fleet) {
    totals sum;
    for (const front_end_load& server : fleet) {
        if (server.state == server_state::down) continue;
        // The clients of a draining server move to the others: they count, its capacity does not.
        sum.clients += server.clients;
        if (server.state == server_state::draining) {
            sum.any_draining = true;
            continue;
        }
        ++sum.servers;
        sum.capacity += server.capacity;
        if (server.state == server_state::starting) {
            sum.any_starting = true;
            continue;
        }
        const front_end_load* best = sum.emptiest;
        if (!best ||
            std::tuple(server.clients, number(best->id)) < std::tuple(best->clients, number(server.id)))
            sum.emptiest = &server;
    }
    return sum;
}

double share(std::uint64_t clients, std::uint64_t capacity) {
    return static_cast<double>(clients) / static_cast<double>(capacity);
}

} // namespace

scaler::scaler(scaler_settings settings) : settings_(settings) {
    assert(settings_.servers_min >= 1 && settings_.servers_min <= settings_.servers_max);
    assert(settings_.stop_below < settings_.start_above);
}

scaling scaler::decide(std::span<const front_end_load> fleet, time_point now) {
    const totals sum = add_up(fleet);

    // The supervisor restarts what died, so fewer than the minimum is no reason to start one.
    const bool full = sum.capacity > 0 && share(sum.clients, sum.capacity) > settings_.start_above;
    if (full && sum.servers < settings_.servers_max && !sum.any_starting) {
        calm_since_.reset();
        return {scaling::action::start, server_id::none};
    }

    const std::uint64_t remaining = sum.emptiest ? sum.capacity - sum.emptiest->capacity : 0;
    const bool spare = sum.servers > settings_.servers_min && !sum.any_starting && !sum.any_draining &&
                       remaining > 0 && share(sum.clients, remaining) < settings_.stop_below;
    if (!spare) {
        calm_since_.reset();
        return {};
    }
    if (!calm_since_) calm_since_ = now;
    if (now - *calm_since_ < settings_.calm) return {};
    calm_since_.reset();
    return {scaling::action::drain, sum.emptiest->id};
}

} // namespace stadion::balancer
