// What every command that talks to a whole fleet can be told.
#pragma once

#include "tools/command/command_line.hpp"

#include <string>

namespace stadion::tools {

struct fleet_options {
    std::string dispatcher = "127.0.0.1:7400";
    std::string token;
    bool json = false;
};

inline void add_fleet_options(command to, fleet_options& wanted) {
    to.setting("--dispatcher", wanted.dispatcher, "HOST:PORT of the dispatcher");
    to.setting("--token", wanted.token, "the token that gives a role");
    to.flag("--json", wanted.json, "print JSON instead of text");
}

} // namespace stadion::tools
