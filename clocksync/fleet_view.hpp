// The dispatcher's view, as it comes over the wire, in the words of the strands.
#pragma once

#include "clocksync/types.hpp"
#include "wire/proto/dispatcher.pb.h"

#include <optional>

namespace stadion::clocksync {

// Nothing while the dispatcher awaits servers it knew before a restart: then the ring of before stands.
std::optional<fleet_view> to_fleet_view(const v1::View& view);

} // namespace stadion::clocksync
