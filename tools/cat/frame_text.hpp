// Frames as a person reads them: the bytes in the layout of the protocol's document, and one line that says
// what a frame is. Pure.
#pragma once

#include "wire/frame.hpp"
#include "wire/method_table.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace stadion::tools {

// "0000  00 00 00 24 …  ...$…", 16 bytes a line, each line ended. Bytes beyond `bytes_max` are only counted.
std::string hex_dump(std::string_view bytes, std::size_t bytes_max = 64 * 1024);

// "REQUEST FrontEnd.QueryScoreByGame id 1, 2000 ms"; `methods` names the numbers it knows.
std::string describe(const wire::frame_header& header, const wire::method_table& methods);

// The bytes that "00 0a ff" or "000aff" stands for; nothing when it is not pairs of hexadecimal digits.
std::optional<std::string> parse_hex(std::string_view text);

} // namespace stadion::tools
