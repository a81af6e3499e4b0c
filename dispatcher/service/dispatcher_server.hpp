// The dispatcher: clients ask it once where to go, servers report to it, and the fleet's processes are its
// children.
//
// It answers the RPCs of Dispatcher and their old HTTP names, starts and restarts the database server and the
// front-ends, keeps the election lock, forwards /v1/… to a front-end, and serves the web page. What must
// outlive it is in dispatcher.json (persistent_state.hpp). A dispatcher that was killed and is started again
// on the same folder adopts the children that still serve, waits for them to join again, and starts none
// twice.
//
// Threading: everything that decides runs on worker 0. Requests on other workers are posted there and their
// answers back. Constructed, started and stopped from a thread that is not a worker.
#pragma once

#include "balancer/member_table.hpp"
#include "net/http/origin_policy.hpp"
#include "net/loop/runtime.hpp"
#include "net/rpc/access.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace stadion::dispatcher {

struct dispatcher_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 7400;
    std::uint16_t front_end_port = 7401; // of the first; the next ones count up; 0 takes free ones
    std::string database_host; // empty: as `host`. Of another machine: it runs there and joins by itself
    std::uint16_t database_port = 7500;
    std::uint32_t servers = 3;
    std::uint32_t servers_max = 8;
    std::uint32_t capacity = 10'000; // of each front-end
    std::filesystem::path data = "stadion-data";
    net::access_policy access;
    net::origin_policy origins;
    balancer::member_settings heartbeat;
    std::chrono::milliseconds leader_silence{200};
    std::string program;                      // what children run
    std::vector<std::string> child_arguments; // for all of them
};

class dispatcher_server {
public:
    dispatcher_server(net::runtime& threads, dispatcher_options options);
    ~dispatcher_server();

    // Both on worker 0. A child serves; all wanted children serve (called once).
    std::function<void(std::string_view kind, std::string_view address)> on_child_ready;
    std::function<void(std::string_view address)> on_complete;

    // Serves and starts the fleet; returns the dispatcher's address. FAILED_PRECONDITION, with the holder's
    // pid, if another dispatcher runs on the folder; DATA_LOSS if dispatcher.json is damaged.
    wire::result<std::string> start();

    // Stops the front-ends, then the database server, then the dispatcher. A child is asked, waited for, and
    // killed at the deadline.
    void stop(std::chrono::milliseconds hard);

    // For when there is no time left. Any thread, once `start` has returned.
    void kill_children() noexcept;

private:
    class implementation;
    std::unique_ptr<implementation> self_;
};

} // namespace stadion::dispatcher
