// Parses the request bodies of the board's HTTP paths. INVALID_ARGUMENT names the field that is wrong.
#pragma once

#include "wire/proto/database.pb.h"
#include "wire/result.hpp"

#include <string_view>

namespace stadion::net {

// {"game","title"?,"points"?:{team:n},"status"?}; `game` is the one of the path, or empty.
wire::result<v1::UpdateScoreByGameRequest> parse_score_update(std::string_view body, std::string_view game);

// {"team","medal":"gold|silver|bronze","by":1}; `by` is 1 when absent.
wire::result<v1::IncrementMedalTallyRequest> parse_medal_increment(std::string_view body);

// {"medals":{"gold","silver","bronze"}}, or the three at the top level; each is 0 when absent.
wire::result<v1::MedalTally> parse_tally(std::string_view body, std::string_view team);

// {"frozen":true|false}
wire::result<bool> parse_frozen(std::string_view body);

// {"reason"}: why an update is reversed.
wire::result<std::string> parse_reason(std::string_view body);

} // namespace stadion::net
