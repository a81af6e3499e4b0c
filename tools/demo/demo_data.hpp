// The small real event that `stadion up --demo` loads and plays: the first places of the Paris 2024 medal
// table and a dozen matches of the World Cup 2022. The files lie beside this header and are built into the
// program, so that it needs nothing but itself. The views are valid for the life of the program.
#pragma once

#include <string_view>

namespace stadion::tools {

// As `stadion load` reads it: rank,code,team,gold,silver,bronze,total.
std::string_view demo_medals_csv();

// As `stadion replay` reads it: openfootball's worldcup.json.
std::string_view demo_matches_json();

} // namespace stadion::tools
