// Which server the next client, or the next forwarded request, goes to.
//
// Pure functions over the servers in question; the caller has already left out those that are not up or do
// not offer the service. A handful of servers: a scan is the right data structure.
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

// For a client: the fewest clients among those with room; ties to the lower id. None if all are full.
std::optional<server_id> least_loaded(std::span<const candidate> servers);

// For a forwarded request, which takes no client's place: capacity does not matter, and servers with equally
// few clients take turns, so that requests spread also while no client comes or goes.
class turn_taking {
public:
    std::optional<server_id> next(std::span<const candidate> servers);

private:
    server_id last_ = server_id::none;
};

} // namespace stadion::balancer
