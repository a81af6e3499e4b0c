// What `stadion load` reads, as the mutations that bring it about. All of them set states and add nothing, so
// loading a file twice leaves what loading it once does. Pure.
#pragma once

#include "wire/proto/database.pb.h"
#include "wire/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

struct load_plan {
    std::string what; // "medal table", "game list"
    std::vector<v1::Mutation> mutations;
    std::vector<std::string> problems; // "line 7: …": nothing is to be loaded when there are any
};

// A medal table, its first line naming the columns: team, gold, silver and bronze are needed, rank, code and
// total may be there; a total must add up. Or a game list: an array of {"game","title"?,"points","status"?},
// or openfootball's matches as they ended. Told apart by the first character.
load_plan plan_load(std::string_view text);

} // namespace stadion::tools
