// The words the strands share: who, which epoch, what time, who is in.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <vector>

namespace stadion::clocksync {

using server_id = std::uint32_t; // 0: nobody
using epoch_number = std::uint64_t;

// What the dispatcher gives every server that joins, and nobody else; it goes into everything that servers
// say to each other. A message without it is a stranger's: it may be answered, and changes nothing.
using ring_key = std::uint64_t; // 0: none yet; matches nothing

inline bool is_from_ring(ring_key own, ring_key shown) { return own != 0 && shown == own; }

// A reading of one machine's CLOCK_MONOTONIC. Readings of two servers are not comparable.
using instant = std::chrono::nanoseconds;
using duration = std::chrono::nanoseconds;

inline constexpr instant never{std::numeric_limits<std::int64_t>::max()};

// A server as the dispatcher lists it. A server that was dropped and comes back keeps its id and gets a
// higher incarnation, so a pair that has left a view is never seen in a later one.
struct member {
    server_id id = 0;
    std::uint64_t incarnation = 0;

    friend auto operator<=>(const member&, const member&) = default;
};

// The dispatcher's numbered view. The ring is the order of `ring`.
struct fleet_view {
    std::uint64_t number = 0;
    epoch_number epoch = 0; // the highest ever granted
    server_id leader = 0;   // elected in that epoch, 0 while there is none
    std::vector<member> ring;
    bool pending = false; // the dispatcher awaits servers it has lost sight of: the ring of before stands

    friend bool operator==(const fleet_view&, const fleet_view&) = default;
};

inline const member* find_member(const std::vector<member>& ring, server_id id) {
    for (const member& m : ring)
        if (m.id == id) return &m;
    return nullptr;
}

inline bool contains(const std::vector<member>& ring, server_id id) {
    return find_member(ring, id) != nullptr;
}

} // namespace stadion::clocksync
