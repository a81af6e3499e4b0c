// The dispatcher's view, as it comes over the wire, in the words of the strands.
#pragma once

#include "clocksync/ring/types.hpp"
#include "wire/proto/dispatcher.pb.h"

namespace stadion::clocksync {

// While the dispatcher awaits servers it knew before it was away, it tells epoch and leader only.
fleet_view to_fleet_view(const v1::View& view);

} // namespace stadion::clocksync
