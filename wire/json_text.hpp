// Writes the few JSON values that are written often, straight to text; the texts themselves are put together
// by whoever knows their shape.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace stadion::wire {

// With quotes. The text is UTF-8 and stays as it is but for quotes, backslashes and control characters.
void append_json_string(std::string& to, std::string_view text);

template <typename Integer>
requires std::is_integral_v<Integer>
void append_json_number(std::string& to, Integer number) {
    char digits[24];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// Microseconds as seconds with six decimals, exactly.
void append_json_seconds(std::string& to, std::int64_t microseconds);

} // namespace stadion::wire
