// What a line typed into the debug client means. Pure.
#pragma once

#include "wire/result.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace stadion::tools {

// "FrontEnd.QueryScoreByGame {json}"
struct cat_call {
    std::string method;
    std::string json; // "{}" when none was given
};

// "\hex on": name "hex", argument "on"
struct cat_directive {
    std::string name;
    std::string argument;
};

struct cat_nothing {}; // an empty line, or one that begins with #

using cat_line = std::variant<cat_nothing, cat_call, cat_directive>;

// INVALID_ARGUMENT when it is none of these.
wire::result<cat_line> parse_cat_line(std::string_view text);

} // namespace stadion::tools
