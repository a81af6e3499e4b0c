// What `stadion dispatcher` and `stadion up` have in common: all the settings, and running.
#pragma once

#include "tools/server_settings.hpp"

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

void add_dispatcher_settings(CLI::App& command, dispatcher_settings& settings);

// Something that goes on beside the fleet, from when it is complete until it is told to stop.
class companion {
public:
    virtual ~companion() = default;
    // On worker 0. `servers` are the addresses of what was started, by kind.
    virtual void start(net::runtime& threads, const std::string& dispatcher,
                       const std::vector<std::pair<std::string, std::string>>& servers) = 0;
    // On a thread that is not a worker; returns when nothing goes on any more.
    virtual void stop() = 0;
};

// Until a signal; returns the exit status.
int run_dispatcher(const dispatcher_settings& settings, companion* beside = nullptr);

} // namespace stadion::tools
