#include "clocksync/ring/ring_authority.hpp"

#include <algorithm>

namespace stadion::clocksync {

ring_authority::ring_authority(ring_record from, planted_bug bug) : record_(std::move(from)), bug_(bug) {}

ring_member ring_authority::join(ring_member previous) {
    if (previous.id == 0) previous = {record_.last_id + 1, 0};
    record_.last_id = std::max(record_.last_id, previous.id);
    const auto place = std::ranges::find(record_.ring, previous.id, &ring_member::id);
    const bool listed = place != record_.ring.end();
    if (listed && previous.incarnation != 0 && place->incarnation == previous.incarnation) return *place;

    ++record_.number;
    ring_member joined{previous.id, record_.number};
    if (bug_ == planted_bug::membership_keeps_incarnation && previous.incarnation != 0)
        joined.incarnation = previous.incarnation;
    if (listed) record_.ring.erase(place);
    record_.ring.push_back(joined);
    return joined;
}

bool ring_authority::drop(server_id id) {
    if (std::erase_if(record_.ring, [id](const ring_member& m) { return m.id == id; }) == 0) return false;
    ++record_.number;
    return true;
}

} // namespace stadion::clocksync
