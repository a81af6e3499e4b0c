// The JSON shapes of the board, as HTTP answers them: written straight to text, because protobuf's mapping
// has other shapes and a document tree costs more than the rest of an answer.
#pragma once

#include "wire/json_text.hpp"
#include "wire/proto/board.pb.h"

#include <optional>
#include <string>
#include <string_view>

namespace stadion::wire {

// {"game","title","status","points":{team:n},"updated_at","version","sequence"}; points in order of names.
void append_json(std::string& out, const v1::Score& score);

// {"team","medals":{"gold","silver","bronze"},"updated_at","version","sequence"}, and "rank" when it is not
// 0.
void append_json(std::string& out, const v1::MedalTally& tally);

// {"frozen","since","sequence"}; since is null when the board is not frozen.
void append_json(std::string& out, const v1::BoardState& state);

// {"number","request","client_id","server_id","hash"}
void append_json(std::string& out, const v1::Draw& draw);

std::optional<v1::Score::Status> parse_status(std::string_view name);

} // namespace stadion::wire
