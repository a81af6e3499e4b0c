// Scores, tallies and events as lines for a person. Pure.
#pragma once

#include "wire/proto/board.pb.h"

#include <string>

namespace stadion::tools {

std::string to_line(const v1::Score& score);      // "hockey: gauls 2, romans 1 (LIVE)"
std::string to_line(const v1::MedalTally& tally); // " 1. gauls: 3 gold, 0 silver, 1 bronze"
std::string to_line(const v1::Event& event);      // "#17 hockey: gauls 2, romans 1 (LIVE)"

} // namespace stadion::tools
