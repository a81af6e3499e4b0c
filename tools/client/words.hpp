// Splits a line into words as a shell would: quotes, single or double, keep blanks together; a backslash
// takes the next character as it is, but inside single quotes. Pure.
#pragma once

#include "wire/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::tools {

// INVALID_ARGUMENT for a quote that is never closed.
wire::result<std::vector<std::string>> split_words(std::string_view line);

} // namespace stadion::tools
