// What all sessions of a server share: its identity, its handlers, its policies, its limits and its metrics.
//
// Threading: filled before the server listens; afterwards read by all workers.
#pragma once

#include "net/http/origin_policy.hpp"
#include "net/rpc/access.hpp"
#include "net/rpc/rpc_router.hpp"
#include "net/session/http_router.hpp"
#include "net/session/server_metrics.hpp"
#include "net/tcp/connection.hpp"
#include "wire/server_protocol.hpp"

#include <atomic>

namespace stadion::net {

struct session_limits : wire::server_protocol_settings {
    std::size_t all_bytes_max = 0;             // held by all connections; 0: the bound of memory_budget.hpp
    std::size_t in_flight_bytes_max = 8 << 20; // of requests without an answer, on one connection
    connection_limits connection;
};

struct server_context {
    std::string kind; // dispatcher, frontend or dbserver
    std::string software;
    access_policy access;
    origin_policy origins;
    session_limits limits;
    server_metrics metrics; // outlives the handlers: a call that they hold is counted when it ends
    rpc_router rpc;
    http_router http;
    std::atomic<std::uint32_t> server_id{0};
    std::atomic<std::uint64_t> epoch{0};
    std::atomic<bool> draining{false};

    std::string node() const { return kind + "-" + std::to_string(server_id.load()); }
    // Whether new requests are refused, with the error `overloaded`.
    bool is_overloaded() const noexcept { return bytes_held() > limits.connection.all_bytes_max; }
    static wire::error overloaded();
};

} // namespace stadion::net
