#include "clocksync/ring/fleet_view.hpp"

namespace stadion::clocksync {

fleet_view to_fleet_view(const v1::View& view) {
    fleet_view out{view.number(), view.epoch(), view.leader_id(), {}, view.ring_pending()};
    if (out.pending) return out;
    for (const auto& one : view.servers())
        if (one.incarnation() != 0) out.ring.push_back({one.server_id(), one.incarnation()});
    return out;
}

} // namespace stadion::clocksync
