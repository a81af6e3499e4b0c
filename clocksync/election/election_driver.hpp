// Runs `election` on a worker: passes it events and time, performs its actions, and serves Peer.NewElection,
// PassElection and CoordinatorMessage, also under their old HTTP names.
//
// A message that contradicts what the dispatcher granted is answered FAILED_PRECONDITION, with the right
// epoch and leader among the error's details. So a leader that was paused learns that it no longer leads.
//
// Threading: `add_to` before the server listens; `now` on any thread; the rest on the worker. Lifetime:
// shared, because calls outlive a round of the loop. `close` ends it.
#pragma once

#include "clocksync/election/election.hpp"
#include "net/rpc/peer_links.hpp"
#include "net/server/server.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/peer.pb.h"

#include <mutex>

namespace stadion::clocksync {

struct election_driver_options {
    bool enabled = true;
    election_settings machine;
    std::string node;  // how this server introduces itself to peers
    std::string token; // shows peers that the caller is a server
};

// For /status and /metrics.
struct election_summary {
    epoch_number epoch = 0;
    server_id leader = 0;
    std::string leader_address;
    std::vector<server_id> ring;
    std::string reason;          // of this server's last request for an election
    std::uint64_t elections = 0; // leaders followed so far
    instant followed_at{0};      // since when this one is followed, by CLOCK_MONOTONIC
    double score = 0;            // this server's spare capacity, 0 … 1
};

class election_driver : public std::enable_shared_from_this<election_driver> {
public:
    election_driver(net::worker& home, election_driver_options options);

    // Leader 0: there is none under this epoch yet.
    std::function<void(epoch_number epoch, server_id leader)> on_leader;

    void add_to(net::server& server);

    // `address` is this server's, as others reach it; `dispatcher` carries requests for the lock.
    void on_joined(server_id self, const std::string& address, epoch_number epoch, ring_key key,
                   const std::shared_ptr<net::link>& dispatcher);
    void on_view(const v1::View& view, const fleet_view& fleet); // the addresses; the ring
    void add_load(double load);                                  // 0: idle, 1: full
    void close();

    election_summary now() const;
    net::peer_links& peers() noexcept { return peers_; }

private:
    template <typename Response>
    using outcome = wire::result<Response>;

    outcome<v1::NewElectionResponse> new_election(const v1::NewElectionRequest& request);
    outcome<v1::PassElectionResponse> pass_election(const v1::PassElectionRequest& request);
    outcome<v1::CoordinatorMessageResponse> take_coordinator(const v1::CoordinatorMessageRequest& request);
    outcome<void> check_running() const;
    outcome<void> perform(const election_actions& actions);
    void perform_all(const election_actions& actions);
    void ask(election_reason reason);
    void release(const release_lock& what);
    std::string address_of(server_id server) const;
    v1::CoordinatorMessageRequest to_request(const coordinator_message& message) const;
    void send(const send_pass& what);
    void send(const ask_leader& what);
    void send(server_id to, std::uint16_t method, const std::string& body, bool wait, bool asks = false);
    void arm();
    void publish();

    net::worker& home_;
    election_driver_options options_;
    net::peer_links peers_;
    std::shared_ptr<net::link> dispatcher_;
    std::optional<election> machine_;
    server_id self_ = 0;
    std::string address_;
    net::asio::steady_timer timer_;
    bool closed_ = false;

    net::server_context* context_ = nullptr;
    mutable std::mutex summary_mutex_;
    election_summary summary_;
};

} // namespace stadion::clocksync
