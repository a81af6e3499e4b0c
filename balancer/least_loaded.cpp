#include "balancer/least_loaded.hpp"

#include <tuple>

namespace stadion::balancer {

std::optional<server_id> least_loaded(std::span<const candidate> servers) {
    const candidate* best = nullptr;
    for (const candidate& server : servers) {
        if (!server.has_room()) continue;
        if (!best || std::tie(server.clients, server.id) < std::tie(best->clients, best->id)) best = &server;
    }
    if (!best) return std::nullopt;
    return best->id;
}

std::optional<server_id> round_robin::next(std::span<const candidate> servers) {
    // Among equals, ids above the last one chosen come first.
    const auto rank = [this](const candidate& server) {
        return std::tuple(server.clients, server.id <= last_, server.id);
    };
    const candidate* best = nullptr;
    for (const candidate& server : servers)
        if (!best || rank(server) < rank(*best)) best = &server;
    if (!best) return std::nullopt;
    last_ = best->id;
    return best->id;
}

} // namespace stadion::balancer
