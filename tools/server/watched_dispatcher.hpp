// The dispatcher of `stadion up`: a process of its own, started again when it dies unexpectedly.
//
// Its servers outlive it and are adopted by the next one, so its death costs nobody anything but the time
// until it is back: at once when it had served for a while, else after a delay that doubles. Three ends are
// final: it was told to stop, it stopped because somebody else told it to, and it could not start at all. It
// never outlives this process: the system sends it SIGTERM when we die, however we do.
//
// Threading: one worker, all of it.
#pragma once

#include "balancer/restart_policy.hpp"
#include "net/loop/child_process.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stadion::tools {

class watched_dispatcher {
public:
    // `arguments` are those of `stadion dispatcher`.
    watched_dispatcher(net::worker& home, std::string program, std::vector<std::string> arguments);

    // A server has said where it serves. The dispatcher itself says so last; after that this is not called.
    std::function<void(std::string_view kind, std::string_view address)> on_ready;
    // News for a person, in one line.
    std::function<void(const std::string& line)> on_news;
    // It is gone for good; the exit status it had.
    std::function<void(int status)> on_end;

    void start();
    // Whether there may be servers that it has started or adopted.
    bool has_had_servers() const { return is_complete_ || is_away_; }
    // Asks it to stop; asked again, it stops at once. `on_end` tells when it has.
    void stop();

private:
    using clock = std::chrono::steady_clock;

    void heard(std::string_view line);
    void ended(const net::process_end& how);
    void finish(int status);
    void start_after(std::chrono::milliseconds delay);

    net::worker& home_;
    std::string program_;
    std::vector<std::string> arguments_;
    std::unique_ptr<net::child_process> process_;
    net::asio::steady_timer again_;
    balancer::restart_policy policy_;
    clock::time_point started_at_{};
    clock::time_point died_at_{};
    bool is_complete_ = false; // it has served
    bool is_away_ = false;     // it has died since
    bool is_stopping_ = false;
};

// Stops the servers that a dispatcher on this folder has left running, and says when none is left. For when
// there is no dispatcher any more to do it; where there is one, nothing happens. On the worker.
void stop_leftovers(net::worker& home, const std::string& folder, std::chrono::milliseconds bound,
                    std::function<void()> done);

} // namespace stadion::tools
