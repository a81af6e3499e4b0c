// The settings of a front-end.
#pragma once

#include "net/access.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace stadion::frontend {

struct frontend_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::string dispatcher;          // host:port; empty: it stands alone and needs `database`
    std::string database;            // host:port; empty: found in the dispatcher's view
    std::uint32_t capacity = 10'000; // clients it takes
    net::access_policy access;
    bool leader_election = true;
    std::chrono::milliseconds leader_silence{200};
    bool clock_sync = true;
    bool raffle = true;
    std::uint32_t raffle_every = 100;
    int clock_drift_ppm = 0;
};

} // namespace stadion::frontend
