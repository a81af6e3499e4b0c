// What every command that talks to a whole fleet can be told.
#pragma once

#include "tools/command/settings.hpp"

#include <string>

namespace stadion::tools {

struct fleet_options {
    std::string dispatcher = "127.0.0.1:7400";
    std::string token;
    bool json = false;
};

inline void add_fleet_options(CLI::App& command, fleet_options& wanted) {
    add_setting(command, "--dispatcher", wanted.dispatcher, "HOST:PORT of the dispatcher");
    add_setting(command, "--token", wanted.token, "the token that gives a role");
    command.add_flag("--json", wanted.json, "print JSON instead of text");
}

} // namespace stadion::tools
