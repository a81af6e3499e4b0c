// Comma-separated values as RFC 4180 has them: quoted fields, quotes doubled inside them, lines that end with
// LF or CRLF; a field may hold line breaks. A byte order mark is skipped. Pure.
#pragma once

#include "wire/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

struct csv_row {
    std::size_t line = 0; // where it begins, from 1
    std::vector<std::string> fields;
};

// Empty lines are left out. INVALID_ARGUMENT, naming the line, for a quote that is never closed or that
// something follows.
wire::result<std::vector<csv_row>> parse_csv(std::string_view text);

} // namespace stadion::tools
