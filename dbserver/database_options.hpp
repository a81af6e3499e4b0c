// The settings of a database server.
#pragma once

#include "net/access.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace stadion::dbserver {

struct database_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 7500;
    std::string dispatcher; // host:port; empty: it stands alone
    std::filesystem::path data = "stadion-data";
    bool salvage = false; // keep what can be read of damaged data
    net::access_policy access;
    bool leader_election = true;
    std::chrono::milliseconds leader_silence{200};
    bool clock_sync = true;
    bool raffle = true;
    std::uint32_t raffle_every = 100;
    int clock_drift_ppm = 0;
};

} // namespace stadion::dbserver
