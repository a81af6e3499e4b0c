// States as JSON: what HTTP answers, what a table file holds, and back.
#pragma once

#include "dbserver/table/json_text.hpp"
#include "dbserver/table/state.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::dbserver {

enum class json_layout {
    compact, // one line
    pretty,  // as a table file: indented, with a newline at the end
};

std::string to_json(const state& what, json_layout layout);

// The inverse, of either layout; null when the text is anything else.
std::shared_ptr<state> state_from_json(std::string_view text);

// A game's points in the order of names, which is the order of every text and hash of them.
std::vector<std::pair<std::string_view, std::int32_t>> sorted_points(const v1::Score& score);

} // namespace stadion::dbserver
