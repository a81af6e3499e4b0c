// Whether a text is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF),
// and free of control characters.
#pragma once

#include <string_view>

namespace stadion::wire {

bool is_utf8(std::string_view text) noexcept;

// C0, DEL and C1. The text is UTF-8.
bool has_control_characters(std::string_view text) noexcept;

} // namespace stadion::wire
