// Whether a text is JSON as RFC 8259 has it and nothing else: no comments, single quotes, trailing commas,
// NaN or bytes behind the value. Parsers accept more or less of these, and each resolves a key that is there
// twice in its own way, so what two of them read may differ: such a text is refused before any of them sees
// it.
//
// Pure. Bounds: `json_depth_max` levels; time and memory in proportion to the text.
#pragma once

#include "wire/result.hpp"

#include <string_view>

namespace stadion::wire {

inline constexpr int json_depth_max = 32;

// INVALID_ARGUMENT, saying what is wrong and at which byte: also for text that is not UTF-8, a \u escape that
// is half a surrogate pair, and an object that has a key twice, however it is escaped.
result<void> check_json(std::string_view text);

} // namespace stadion::wire
