// The settings of a database server.
#pragma once

#include "clocksync/strands/strand_settings.hpp"
#include "net/http/origin_policy.hpp"
#include "net/rpc/access.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace stadion::dbserver {

struct database_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 7500;
    std::string dispatcher; // host:port; empty: the server runs alone
    std::filesystem::path data = "stadion-data";
    bool salvage = false; // of damaged data keep what can be read
    net::access_policy access;
    net::origin_policy origins;
    clocksync::strand_settings strands;
};

} // namespace stadion::dbserver
