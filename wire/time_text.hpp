// Points in time as people write them.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <string_view>

namespace stadion::wire {

// Microseconds since 1970: of UNIX seconds such as 1782936900.25, or of ISO 8601 such as
// 2026-07-01T20:15:00Z, which may have a fraction and an offset like +02:00. Digits beyond microseconds are
// dropped. INVALID_ARGUMENT that shows the text.
result<std::int64_t> parse_time(std::string_view text);

} // namespace stadion::wire
