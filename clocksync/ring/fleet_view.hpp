// Converts the dispatcher's view from its wire form.
#pragma once

#include "clocksync/ring/types.hpp"
#include "wire/proto/dispatcher.pb.h"

namespace stadion::clocksync {

// The ring of a pending view is left empty; number, epoch and leader are set.
fleet_view to_fleet_view(const v1::View& view);

} // namespace stadion::clocksync
