// The fleet and what is decided about it: registry, election lock, scaler, supervisor and the memory they
// share, kept in step with each other.
//
// After every event the same round is made (`settle`): who has departed is reported, ring and election lock
// hear of the new view, what must be remembered is written, watchers are sent the view, and servers that are
// drained empty are stopped. What an answer promises is on disk before the answer leaves.
//
// Threading: one worker. `picture` may be read by any thread.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "dispatcher/core/fleet_ring.hpp"
#include "dispatcher/core/registry.hpp"
#include "dispatcher/core/writer_seat.hpp"
#include "dispatcher/service/memory_file.hpp"
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

// The fleet as /status and /readyz show it.
struct fleet_picture {
    std::uint64_t view_number = 0;
    std::uint64_t epoch = 0;
    std::uint32_t front_ends_up = 0;
    std::uint64_t clients = 0;
    std::uint64_t capacity = 0;
    std::uint32_t leader = 0;
    std::string leader_address;
    std::vector<std::uint32_t> ring;
    // The last election this dispatcher granted: who asked for it, why and when; by 0: none yet.
    std::uint32_t election_by = 0;
    std::string election_reason;
    std::chrono::steady_clock::time_point election_at{};
};

class fleet_service {
public:
    // Starts nothing yet. `memory` is as `memory_file::open` left it.
    fleet_service(net::worker& home, fleet_options options, memory_file memory);

    // All on the worker. The view, or its epoch, has changed; one of our children is up; all that were wanted
    // are (once).
    std::function<void(const v1::View&)> on_view;
    std::function<void(const std::string& kind, const std::string& address)> on_child_up;
    std::function<void()> on_complete;

    // Before anything else: notes that a dispatcher has started. Who led under the one before us still leads.
    wire::result<void> remember_start();
    // Where living children of the dispatcher before us report to; empty when there are none.
    std::string address_awaited() const;
    // Adopts and starts children, which report to our own address, and begins to tick. FAILED_PRECONDITION as
    // `plan_adoption` has it: then nothing was started.
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
    std::uint32_t starts() const noexcept { return memory_.content().starts; }
    const registry& servers() const noexcept { return *registry_; }
    const supervisor_driver& children() const noexcept { return *children_; }

    fleet_picture picture() const;

private:
    // What makes a view worth sending; the clients of the servers, say, do not.
    struct news {
        std::uint64_t view = 0, ring = 0, epoch = 0;
        std::uint32_t leader = 0;
        bool pending = false;
        std::uint64_t writer_epoch = 0, writer_board = 0;
        bool written_for = false; // there is a writer
        bool operator==(const news&) const = default;
    };

    void begin_turn();
    bool speaks_for(std::uint32_t server, balancer::connection_id connection) const;
    void tick();
    void scale();
    void stop_the_drained();
    void settle();
    void report_departures();
    wire::result<void> may_enter(const v1::JoinRequest& request);
    wire::result<void> seat_writer(const v1::JoinRequest& request, v1::JoinResponse& answer);
    void remember_writer();
    void follow_ring();
    void note_children_up();
    void publish();
    v1::View view() const;
    bool is_ring_pending() const { return !ring_remembered_ || ring_->is_pending(); }
    wire::result<void> remember(const std::function<void(memory&)>& change);
    std::vector<balancer::front_end_load> loads_with_children() const;
    const balancer::member* member_at(std::string_view address) const;

    net::worker& home_;
    fleet_options options_;
    memory_file memory_;
    std::unique_ptr<registry> registry_;
    std::unique_ptr<fleet_ring> ring_;
    std::unique_ptr<clocksync::election_lock> lock_;
    std::unique_ptr<supervisor_driver> children_;
    std::unique_ptr<writer_seat> writer_;
    balancer::scaler scaler_;
    net::asio::steady_timer ticker_;
    std::set<std::uint32_t> announced_; // pids of children that are or were up
    bool ring_remembered_ = false;      // as it is now
    news shown_;                        // with the last view that was sent
    balancer::time_point scaled_at_{};
    balancer::time_point writer_remembered_at_{};
    std::string refused_; // the last database server that was not taken in, and why
    bool complete_ = false;
    bool stopping_ = false;

    mutable std::mutex picture_mutex_;
    fleet_picture picture_; // its election is written when one is granted, the rest anew each time
};

} // namespace stadion::dispatcher
