// A whole file as text, "-" being standard input.
#pragma once

#include "wire/result.hpp"

#include <string>

namespace stadion::tools {

// NOT_FOUND, with the system's reason, or RESOURCE_EXHAUSTED beyond 64 MiB.
wire::result<std::string> read_text_file(const std::string& path);

} // namespace stadion::tools
