// Which server gets the next client, or the next forwarded request.
//
// The caller passes only servers that are up and offer the service. They are few, so a scan is enough.
#pragma once

#include "balancer/member.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace stadion::balancer {

struct candidate {
    server_id id = server_id::none;
    std::uint64_t clients = 0; // registered and promised
    std::uint32_t capacity = 0;

    bool has_room() const { return clients < capacity; }
};

// For a client: the fewest clients among the servers with room; ties go to the lower id. None if all are
// full.
std::optional<server_id> least_loaded(std::span<const candidate> servers);

// For a forwarded request: the fewest clients; servers with equally few take turns, so that requests spread
// also while no client comes or goes. A request takes no client's place, so capacity does not matter.
class round_robin {
public:
    std::optional<server_id> next(std::span<const candidate> servers);

private:
    server_id last_ = server_id::none;
};

} // namespace stadion::balancer
