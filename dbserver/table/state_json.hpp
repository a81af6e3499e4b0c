// States as JSON: the text of HTTP answers and of table files, and its reader.
#pragma once

#include "dbserver/table/json_text.hpp"
#include "dbserver/table/state.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::dbserver {

// One line without a newline, as HTTP answers it (wire/board_json.hpp).
std::string to_json(const state& what);

// The same members as a table file has them: indented, with a newline at the end.
std::string to_table_file(const state& what);

// Reads either text; null when it is not a state.
std::shared_ptr<state> state_from_json(std::string_view text);

// A game's points in the order of names, the order in which they are always written.
std::vector<std::pair<std::string_view, std::int32_t>> sorted_points(const v1::Score& score);

} // namespace stadion::dbserver
