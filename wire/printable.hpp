// Text from outside as it may stand in a line for a person: a log, a terminal.
#pragma once

#include <string>
#include <string_view>

namespace stadion::wire {

// The same text with everything escaped that could end the line, move the cursor, change the direction of
// writing or pass for something else: control characters, line and paragraph separators, bidirectional marks,
// backslashes, and bytes that are no UTF-8. Cut, saying how long it was, beyond `bytes_max`.
std::string printable(std::string_view text, std::size_t bytes_max = 200);

} // namespace stadion::wire
