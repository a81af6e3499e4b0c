// The processes of the fleet: starts what child_table says is due, and tells it what happens to them.
//
// A child is started with its own address and the dispatcher's in its arguments. On its stdout the line
// `ready KIND HOST:PORT` tells where it serves, and `failed WHY` that it cannot. It is recorded on disk
// before it runs, so a dispatcher that is killed at any point leaves no process that the next one does not
// know. A child of the dispatcher before is watched like any other, but its stdout is gone. One that reports
// to another address than this dispatcher's is stopped and started again.
//
// Stopping is ordered: front-ends first, since their last writes need the database server, then the database
// server. A child that does not end within the bound is killed.
//
// Threading: one worker. Its destructor leaves the processes running.
#pragma once

#include "dispatcher/core/adoption.hpp"
#include "dispatcher/core/child_table.hpp"
#include "net/loop/child_process.hpp"

#include <functional>
#include <map>
#include <memory>

namespace stadion::dispatcher {

struct supervisor_options {
    std::string program;
    // The arguments of a child.
    std::function<std::vector<std::string>(const std::string& kind, const std::string& address)> arguments;
    balancer::restart_settings restarts;
};

// Whether the process is still the recorded one.
bool is_running(const child_record& child);

class supervisor_driver {
public:
    supervisor_driver(net::worker& home, supervisor_options options);
    ~supervisor_driver();

    // The children that run have changed: to be persisted.
    std::function<void()> on_change;

    // `own` is the address that children report to.
    void begin(const adoption_plan& plan, std::string own);
    void want(std::string kind, std::string address);
    // The child is not started again when it ends. Ignored if it is no child of this dispatcher.
    void retire(std::uint32_t pid, std::string_view address);

    // An adopted child has joined and so told where it serves.
    void bound(std::uint32_t pid, const std::string& address);

    void stop(std::chrono::milliseconds bound, std::function<void()> done);
    void kill_all() noexcept;

    const child_table& table() const noexcept { return table_; }
    std::uint32_t restarts() const noexcept { return restarts_; }
    std::uint32_t adopted() const noexcept { return adopted_; }

private:
    using clock = std::chrono::steady_clock;

    void adopt(const child_record& child);
    void start_due();
    void launch(const child_table::launch& what);
    void watch(std::unique_ptr<net::child_process> process);
    void heard(int pid, std::string_view line);
    void ended(int pid, const net::process_end& how);
    void stop_next();
    void ask_to_stop();
    bool any_running(std::string_view kind) const;
    void changed() {
        if (on_change) on_change();
    }

    net::worker& home_;
    supervisor_options options_;
    std::string own_address_;
    child_table table_;
    std::map<int, std::unique_ptr<net::child_process>> processes_;
    net::asio::steady_timer due_;
    net::asio::steady_timer bound_;
    std::uint32_t restarts_ = 0;
    std::uint32_t adopted_ = 0;
    std::string stopping_;             // the kind that was asked to stop
    std::vector<std::string> to_stop_; // kinds still to be asked, the next one last
    std::chrono::milliseconds stop_bound_{0};
    std::function<void()> on_stopped_;
};

} // namespace stadion::dispatcher
