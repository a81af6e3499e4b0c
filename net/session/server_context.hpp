// What every session of a server shares: who it is, what it answers, what it allows, what it counts.
// Filled before the server listens; afterwards read by all workers.
#pragma once

#include "net/http/origin_policy.hpp"
#include "net/rpc/access.hpp"
#include "net/rpc/rpc_router.hpp"
#include "net/session/http_router.hpp"
#include "net/session/server_metrics.hpp"
#include "net/tcp/connection.hpp"

#include <atomic>

namespace stadion::net {

struct session_limits {
    std::size_t frame_size_max = 1 << 20;
    std::uint32_t in_flight_max = 1024;
    std::size_t all_bytes_max = 0;             // held by all connections; 0: see memory_budget.hpp
    std::size_t in_flight_bytes_max = 8 << 20; // of requests on one connection that wait for their answers
    std::chrono::milliseconds hello_within{5'000};
    std::size_t hello_bytes_max = 4096;
    std::chrono::milliseconds ping_after{15'000};
    std::chrono::milliseconds close_after{30'000};
    connection_limits connection;
};

struct server_context {
    std::string kind; // dispatcher, frontend or dbserver
    std::string software;
    access_policy access;
    origin_policy origins;
    session_limits limits;
    server_metrics metrics; // outlives the handlers: calls they hold are counted when they end
    rpc_router rpc;
    http_router http;
    std::atomic<std::uint32_t> server_id{0};
    std::atomic<std::uint64_t> epoch{0};
    std::atomic<bool> draining{false};

    std::string node() const { return kind + "-" + std::to_string(server_id.load()); }
    // New requests are refused; see `overloaded`.
    bool is_overloaded() const noexcept { return bytes_held() > limits.connection.all_bytes_max; }
    static wire::error overloaded();
};

} // namespace stadion::net
