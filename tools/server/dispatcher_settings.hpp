// What `stadion dispatcher` and `stadion up` have in common: all the settings.
#pragma once

#include "tools/server/server_settings.hpp"

#include <cstdint>
#include <string>

namespace stadion::tools {

struct dispatcher_settings {
    server_settings server{.port = 7400};
    clocksync::strand_settings strands;
    std::uint16_t front_end_port = 7401;
    std::string database_host;
    std::uint16_t database_port = 7500;
    std::uint32_t servers = 3;
    std::uint32_t servers_max = 8;
    std::uint32_t capacity = 10'000;
    std::string data = "stadion-data";
    std::uint32_t heartbeat_ms = 1000;
    unsigned heartbeat_misses = 3;
};

void add_dispatcher_settings(command to, dispatcher_settings& settings);

} // namespace stadion::tools
