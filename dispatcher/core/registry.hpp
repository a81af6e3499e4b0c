// Answers Assign, Join, Heartbeat, Leave and the lists of servers, from the parts in balancer/.
//
// A message and the time go in, an answer or an error comes out. The owner of the sockets passes them on.
//
// Threading: none; one owner. Memory grows with the servers and with the tickets of the last seconds.
//
// Invariants
//   * The load of a front-end is registered + promised clients (balancer/ticket_book.hpp). So clients that
//     come in a burst are spread over equal front-ends with a difference of at most 1, however old the
//     heartbeats are.
//   * A master is up and has room; a backup is another server.
//   * View numbers only grow, across restarts too: the upper half counts the starts of the dispatcher.
#pragma once

#include "balancer/backup.hpp"
#include "balancer/least_loaded.hpp"
#include "balancer/member_table.hpp"
#include "balancer/scaler.hpp"
#include "balancer/ticket_book.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/result.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace stadion::dispatcher {

struct registry_settings {
    balancer::member_settings members;
    std::chrono::milliseconds ticket_lifetime{10'000}; // as clients are told
};

// What a restarted dispatcher knows from disk (persistent_state.hpp).
struct registry_origin {
    std::uint32_t starts = 1; // this one included
    balancer::server_id next_server_id{1};
    std::uint64_t epoch = 0;
};

class registry {
public:
    registry(registry_settings settings, registry_origin origin);

    // Each call promises one client to the master it names. UNAVAILABLE when no front-end is up, with when to
    // come back; RESOURCE_EXHAUSTED when all are full.
    wire::result<v1::AssignResponse> assign(const v1::AssignRequest& request, balancer::time_point now);

    // A server is `starting` until its first heartbeat that says UP. INVALID_ARGUMENT for an unknown kind, an
    // implausible address or too many services.
    wire::result<v1::JoinResponse> join(const v1::JoinRequest& request, balancer::connection_id connection,
                                        balancer::time_point now);

    // NOT_FOUND for a server that is not, or no longer, in the fleet; it joins again. A server takes its
    // number of clients and its redeemed tickets at one moment, and repeats tickets until a heartbeat is
    // answered.
    wire::result<v1::HeartbeatResponse> heartbeat(const v1::HeartbeatRequest& request,
                                                  balancer::connection_id connection,
                                                  balancer::time_point now);

    // Idempotent: a server that is gone may leave again.
    wire::result<v1::LeaveResponse> leave(const v1::LeaveRequest& request);
    // Removes a server that others find silent, or that is known to be dead. It joins again if it lives.
    void drop_silent(balancer::server_id id);

    v1::GetAllServersResponse get_all_servers() const;
    v1::GetAllServersResponse get_all_front_end_servers() const;

    // The content of WatchView, but for what fleet_service adds.
    v1::View view() const;
    std::uint64_t view_number() const { return members_.view_number(); }

    // Servers that are gone since the last call, and why.
    std::vector<balancer::departure> take_departures();

    void connection_lost(balancer::connection_id connection);

    // To be called every `tick_interval`.
    void tick(balancer::time_point now);
    std::chrono::milliseconds tick_interval() const { return members_.tick_interval(); }

    // The front-end for one forwarded request. It is up, offers the service (any, if that is empty), is not
    // at an address in `except`, where the request failed already, and has the fewest clients; equals take
    // turns. UNAVAILABLE, naming the service, if there is none.
    wire::result<v1::Server> forward_target(std::string_view service,
                                            const std::vector<std::string>& except = {});

    // An order of the scaler, handed over in the answer to the server's next heartbeat. A drained server gets
    // no new client from now on. NOT_FOUND if there is no such server.
    wire::result<void> give_order(balancer::server_id id, v1::HeartbeatResponse::Order order);

    // For the scaler.
    std::vector<balancer::front_end_load> front_end_loads() const;

    // The election's epoch, which answers carry. A lower one than the current is ignored.
    void set_epoch(std::uint64_t epoch);
    std::uint64_t epoch() const { return epoch_; }

    const balancer::member* find(balancer::server_id id) const { return members_.find(id); }
    const std::map<balancer::server_id, balancer::member>& members() const { return members_.members(); }

    // To be on disk before the answer to the Join that raised it is sent.
    balancer::server_id next_server_id() const { return members_.next_id(); }

private:
    std::vector<balancer::candidate> front_ends_up(std::string_view service) const;
    v1::Server describe(const balancer::member& server) const;

    registry_settings settings_;
    balancer::member_table members_;
    balancer::ticket_book tickets_;
    balancer::backup_chooser backups_;
    balancer::round_robin round_robin_;
    std::vector<balancer::departure> departures_;
    std::uint64_t epoch_;
    std::uint64_t backups_view_ = 0; // the view the backups were counted in
};

} // namespace stadion::dispatcher
