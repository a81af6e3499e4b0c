// Types that the strands share: server, epoch, time, ring.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <vector>

namespace stadion::clocksync {

using server_id = std::uint32_t; // 0: no server
using epoch_number = std::uint64_t;

// A shared secret. The dispatcher gives it to every server that joins and to nobody else. Servers put it into
// every message to one another. A message without it comes from outside the fleet: it may be answered, but it
// changes nothing.
using ring_key = std::uint64_t; // 0: none yet; matches nothing

inline bool is_from_ring(ring_key own, ring_key shown) { return own != 0 && shown == own; }

// A reading of one machine's CLOCK_MONOTONIC. Readings of two servers are not comparable.
using instant = std::chrono::nanoseconds;
using duration = std::chrono::nanoseconds;

inline constexpr instant never{std::numeric_limits<std::int64_t>::max()};

// A server as the dispatcher lists it in the ring. A server that was dropped and comes back keeps its id and
// gets a higher incarnation. So a pair that has left a view is never seen in a later one.
struct ring_member {
    server_id id = 0;
    std::uint64_t incarnation = 0;

    friend auto operator<=>(const ring_member&, const ring_member&) = default;
};

// The dispatcher's numbered view of the fleet. `ring` is in the order of the ring.
struct fleet_view {
    std::uint64_t number = 0;
    epoch_number epoch = 0; // the highest ever granted
    server_id leader = 0;   // elected in that epoch; 0: nobody yet
    std::vector<ring_member> ring;
    bool pending = false; // the dispatcher waits for servers to rejoin; the previous ring stands

    friend bool operator==(const fleet_view&, const fleet_view&) = default;
};

inline const ring_member* find_member(const std::vector<ring_member>& ring, server_id id) {
    for (const ring_member& m : ring)
        if (m.id == id) return &m;
    return nullptr;
}

inline bool contains(const std::vector<ring_member>& ring, server_id id) {
    return find_member(ring, id) != nullptr;
}

} // namespace stadion::clocksync
