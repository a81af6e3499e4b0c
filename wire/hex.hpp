// Bytes as hexadecimal text, two lower-case digits a byte, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stadion::wire {

std::string to_hex(std::string_view bytes);

// Nothing unless the text is pairs of digits, lower-case ones.
std::optional<std::string> from_hex(std::string_view text);

} // namespace stadion::wire
