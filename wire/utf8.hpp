// Whether a text is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF),
// and free of control characters.
#pragma once

#include <cstddef>
#include <string_view>

namespace stadion::wire {

bool is_utf8(std::string_view text) noexcept;

// The length of the well-formed sequence at `at`; 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) noexcept;

// At most the first `bytes_max` bytes, never a part of a character.
std::string_view clip_utf8(std::string_view text, std::size_t bytes_max) noexcept;

// C0, DEL and C1. The text is UTF-8.
bool has_control_characters(std::string_view text) noexcept;

} // namespace stadion::wire
