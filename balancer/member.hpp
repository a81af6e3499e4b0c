// The types of this folder: a server of the fleet and what is known about it.
//
// Plain values without behaviour and without protobuf, so that the policies compile and read on their own.
// dispatcher/core/registry translates them to and from the wire's `Server`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace stadion::balancer {

// Time comes in with every event; nothing in this folder reads a clock.
using time_point = std::chrono::steady_clock::time_point;

// A server of the fleet, counted from 1. A process keeps its id for life, and no other process gets it while
// the dispatcher's state is kept.
enum class server_id : std::uint32_t { none = 0 };

constexpr std::uint32_t number(server_id id) noexcept { return static_cast<std::uint32_t>(id); }

// A connection to the dispatcher, numbered by the owner of its socket. `none` where the connection says
// nothing about the caller's life, as with a single HTTP request.
enum class connection_id : std::uint64_t { none = 0 };

enum class server_state { starting, up, draining, down };

// What the dispatcher wants of a server, handed over in the answer to its next heartbeat.
enum class server_order { none, drain, stop };

struct member {
    server_id id = server_id::none;
    std::string kind;    // "frontend" or "dbserver"
    std::string address; // host:port
    server_state state = server_state::starting;
    std::uint32_t clients = 0; // registered there, by its newest heartbeat
    std::uint32_t capacity = 0;
    std::uint32_t pid = 0;
    std::vector<std::string> services;
    double load = 0;

    server_order order = server_order::none;
    connection_id connection = connection_id::none; // the one it was last heard on
    std::uint64_t sequence = 0;                     // of the newest heartbeat
    time_point heard_at{};
};

} // namespace stadion::balancer
