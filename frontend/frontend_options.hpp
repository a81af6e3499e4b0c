// The settings of a front-end.
#pragma once

#include "clocksync/strands/strand_settings.hpp"
#include "net/http/origin_policy.hpp"
#include "net/rpc/access.hpp"

#include <cstdint>
#include <string>

namespace stadion::frontend {

struct frontend_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::string dispatcher;          // host:port; empty: no fleet, `database` is needed
    std::string database;            // host:port; empty: the writer in the dispatcher's view
    std::uint32_t capacity = 10'000; // the most clients
    net::access_policy access;
    net::origin_policy origins;
    clocksync::strand_settings strands;
};

} // namespace stadion::frontend
