#include "balancer/backup.hpp"

#include <tuple>

namespace stadion::balancer {

std::optional<server_id> backup_chooser::choose(std::span<const candidate> servers, server_id master) {
    const auto rank = [&](const candidate& server) {
        const auto inherited = inherits_.find({master, server.id});
        const std::uint64_t heirs = inherited == inherits_.end() ? 0 : inherited->second;
        return std::tuple(!server.has_room(), server.clients + heirs, server.id);
    };
    const candidate* best = nullptr;
    for (const candidate& server : servers) {
        if (server.id == master) continue;
        if (!best || rank(server) < rank(*best)) best = &server;
    }
    if (!best) return std::nullopt;
    ++inherits_[{master, best->id}];
    return best->id;
}

} // namespace stadion::balancer
