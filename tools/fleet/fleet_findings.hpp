// What is wrong with a fleet, and what to do about it: one judgement for `check`, `top` and whoever else
// asks. Pure.
#pragma once

#include "tools/fleet/fleet_report.hpp"

#include <string>
#include <vector>

namespace stadion::tools {

enum class fleet_health : std::uint8_t { well = 0, degraded = 1, down = 2 };

struct finding {
    fleet_health health = fleet_health::degraded;
    std::uint32_t server_id = 0; // whom it is about; 0: the fleet
    std::string what;            // "frontend-3 is draining"
    std::string to_do;           // what a person does about it; empty: nothing, it passes by itself
};

// The worst first; empty: all is well.
//
// Down: nobody can be served, because the dispatcher or every front-end is gone. Degraded: a server fewer
// than wanted, one that does not answer, is not ready or keeps dying, disagreement about who leads, a clock
// without corrections, a replica that does not follow.
std::vector<finding> find_faults(const fleet_report& report);

// The health that the worst of them means.
fleet_health judge(const fleet_report& report);

// A line per finding.
std::string to_text(const finding& one);
const char* health_name(fleet_health health);

} // namespace stadion::tools
