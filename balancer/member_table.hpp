// Who is in the fleet and who is alive. Every list and assignment is made from this table, and the ring
// follows it.
//
// A server is in the table from its Join until it leaves, its connection is lost, another server joins with
// its address, or it has been silent for `misses_max` heartbeat periods. There is no state between: a server
// that was removed joins again and keeps its id if it asks for it.
//
// Threading: none; one owner calls it. Time is an argument. Nothing depends on hash or address order.
//
// Invariants
//   * `view_number` only grows, and grows exactly when a server enters or goes or changes its state.
//   * An id belongs to one server. Ids are given out in rising order; `next_id` is above all ever given.
//   * No two members have the same address: a port is bound once, so the newcomer proves the older one dead.
//   * Only a heartbeat newer than all before it changes what is known; an older one still proves life.
#pragma once

#include "balancer/member.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stadion::balancer {

struct member_settings {
    std::chrono::milliseconds heartbeat_period{1000};
    unsigned misses_max = 3;
};

struct join_event {
    std::string kind;
    std::string address;
    std::uint32_t capacity = 0;
    std::uint32_t pid = 0;
    std::vector<std::string> services;
    server_id wanted = server_id::none; // the id it had before
    std::uint32_t clients = 0;
    connection_id connection = connection_id::none;
};

// `sequence` 0 is an unnumbered heartbeat and always counts as the newest.
struct heartbeat_event {
    server_id id = server_id::none;
    std::uint64_t sequence = 0;
    std::uint32_t clients = 0;
    std::uint32_t capacity = 0;
    server_state state = server_state::starting;
    double load = 0;
    connection_id connection = connection_id::none;
};

enum class departure_reason { left, connection_lost, silent, replaced };

// For logs: "left", "connection lost", ….
const char* to_text(departure_reason reason) noexcept;

// What was last known of a server that is no longer in the fleet; its state is `down`.
struct departure {
    member last;
    departure_reason reason = departure_reason::left;
};

class member_table {
public:
    // A restarted dispatcher passes numbers above all that were used before.
    member_table(member_settings settings, std::uint64_t first_view_number, server_id first_id);

    // Enters a server in state `starting`. It is `up` when its own heartbeat says so.
    struct join_outcome {
        server_id id = server_id::none;
        std::optional<departure> replaced; // who held the address before
    };
    join_outcome join(const join_event& event, time_point now);

    // False: the server is not in the fleet and has to join again.
    [[nodiscard]] bool heartbeat(const heartbeat_event& event, time_point now);

    std::optional<departure> leave(server_id id, departure_reason reason = departure_reason::left);

    // Removes the server that was last heard on this connection. One that has come back on another stays.
    std::vector<departure> connection_lost(connection_id connection);

    // Removes the silent. To be called every `tick_interval`. If a call is late, this process did not read
    // what had arrived, so the lateness counts as nobody's silence. If it is late by more than an interval,
    // nobody is removed until the heartbeats that waited have been read.
    std::vector<departure> tick(time_point now);
    std::chrono::milliseconds tick_interval() const { return settings_.heartbeat_period / 4; }

    // A server that is told to drain or stop is `draining` at once, before it has heard of it. False: no such
    // server.
    bool give_order(server_id id, server_order order);

    const member* find(server_id id) const;
    const std::map<server_id, member>& members() const { return members_; }
    std::uint64_t view_number() const { return view_number_; }
    server_id next_id() const { return next_id_; }

private:
    server_id choose_id(const join_event& event);
    departure remove(std::map<server_id, member>::iterator position, departure_reason reason);
    void set_state(member& server, server_state reported);
    std::chrono::milliseconds silence_max() const {
        return settings_.heartbeat_period * settings_.misses_max;
    }

    member_settings settings_;
    std::map<server_id, member> members_;
    std::uint64_t view_number_;
    server_id next_id_;
    std::optional<time_point> ticked_at_;
};

} // namespace stadion::balancer
