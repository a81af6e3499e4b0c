// The fleet and all decisions about it: registry, ring, writer, election lock, scaler, supervisor, and the
// state on disk.
//
// Every event ends with the same round (`settle`). Departures are reported, the ring and the election lock
// follow the registry, what changed is persisted, and watchers get the view if it changed. What an answer
// promises is on disk before the answer leaves.
//
// Threading: one worker; `summary` on any thread.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "dispatcher/core/fleet_ring.hpp"
#include "dispatcher/core/registry.hpp"
#include "dispatcher/core/writer_authority.hpp"
#include "dispatcher/service/state_file.hpp"
#include "dispatcher/service/supervisor_driver.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace stadion::dispatcher {

struct fleet_options {
    wanted_children wanted;
    std::uint32_t servers_max = 8;
    std::uint32_t capacity = 10'000;
    registry_settings registry;
    clocksync::lock_settings lock;
    supervisor_options children;
};

// For /status, /fleet and /readyz.
struct fleet_summary {
    std::uint64_t view_number = 0;
    std::uint64_t epoch = 0;
    std::uint32_t front_ends_up = 0;
    std::uint64_t clients = 0;
    std::uint64_t capacity = 0;
    std::uint32_t leader = 0;
    std::string leader_address;
    std::vector<std::uint32_t> ring;
    // The last election that this dispatcher granted: to whom, why and when. `election_by` 0: none yet.
    std::uint32_t election_by = 0;
    std::string election_reason;
    std::chrono::steady_clock::time_point election_at{};
};

class fleet_service {
public:
    // Starts nothing yet. `state` is as `state_file::open` returned it.
    fleet_service(net::worker& home, fleet_options options, state_file state);

    // All on the worker. The view has changed; a child is up; all wanted children are up (called once).
    std::function<void(const v1::View&)> on_view;
    std::function<void(const std::string& kind, const std::string& address)> on_child_up;
    std::function<void()> on_complete;

    // To be called first: records that a dispatcher has started, and restores the leader, ring and writer.
    wire::result<void> persist_start();
    // The address that living children of the dispatcher before report to; empty if there are none.
    std::string address_awaited() const;
    // Adopts and starts children, which report to `own_address`, and begins to tick. If `plan_adoption` fails
    // nothing is started.
    wire::result<void> begin(const std::string& own_address);
    void stop(std::chrono::milliseconds bound, std::function<void()> done);
    void kill_children() noexcept { children_->kill_all(); }

    net::worker& home() noexcept { return home_; }

    wire::result<v1::AssignResponse> assign(const v1::AssignRequest& request);
    wire::result<v1::JoinResponse> join(const v1::JoinRequest& request, balancer::connection_id connection);
    wire::result<v1::HeartbeatResponse> heartbeat(const v1::HeartbeatRequest& request,
                                                  balancer::connection_id connection);
    wire::result<v1::LeaveResponse> leave(const v1::LeaveRequest& request,
                                          balancer::connection_id connection);
    void connection_lost(balancer::connection_id connection);
    wire::result<v1::GetLeaderElectionLockResponse> ask_lock(const v1::GetLeaderElectionLockRequest& request,
                                                             balancer::connection_id connection);
    wire::result<v1::ReleaseLeaderElectionLockResponse>
    release_lock(const v1::ReleaseLeaderElectionLockRequest& request, balancer::connection_id connection);
    wire::result<v1::Server> forward_target(std::string_view service, const std::vector<std::string>& except);

    const wanted_children& wanted() const noexcept { return options_.wanted; }
    std::uint32_t starts() const noexcept { return state_.content().starts; }
    const registry& servers() const noexcept { return *registry_; }
    const supervisor_driver& children() const noexcept { return *children_; }

    fleet_summary summary() const;

private:
    // The parts of a view that make it worth sending. The servers' numbers of clients are not among them.
    struct view_version {
        std::uint64_t view = 0, ring = 0, epoch = 0;
        std::uint32_t leader = 0;
        bool pending = false;
        std::uint64_t writer_epoch = 0, writer_board = 0;
        bool has_writer = false;
        bool operator==(const view_version&) const = default;
    };

    void check_pause();
    bool speaks_for(std::uint32_t server, balancer::connection_id connection) const;
    void tick();
    void scale();
    void stop_drained();
    void settle();
    void report_departures();
    wire::result<void> may_join(const v1::JoinRequest& request);
    wire::result<void> grant_writer(const v1::JoinRequest& request, v1::JoinResponse& answer);
    void persist_writer();
    void follow_ring();
    void note_children_up();
    void publish();
    v1::View view() const;
    bool is_ring_pending() const { return !ring_persisted_ || ring_->is_pending(); }
    wire::result<void> persist(const std::function<void(persistent_state&)>& change);
    std::vector<balancer::front_end_load> loads_with_children() const;
    const balancer::member* member_at(std::string_view address) const;

    net::worker& home_;
    fleet_options options_;
    state_file state_;
    std::unique_ptr<registry> registry_;
    std::unique_ptr<fleet_ring> ring_;
    std::unique_ptr<clocksync::election_lock> lock_;
    std::unique_ptr<supervisor_driver> children_;
    std::unique_ptr<writer_authority> writer_;
    balancer::scaler scaler_;
    net::asio::steady_timer ticker_;
    std::set<std::uint32_t> announced_; // pids of children for which `on_child_up` was called
    bool ring_persisted_ = false;       // as it is now
    view_version published_;            // of the last view that was sent
    balancer::time_point scaled_at_{};
    balancer::time_point writer_persisted_at_{};
    std::string refused_; // the last database server that was not admitted
    bool complete_ = false;
    bool stopping_ = false;

    mutable std::mutex summary_mutex_;
    fleet_summary summary_; // its election is set at each grant, the rest in every round
};

} // namespace stadion::dispatcher
