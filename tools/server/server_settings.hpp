// The settings that every server has, and what running one takes: log, tokens, threads, signals, the ready
// line.
#pragma once

#include "clocksync/strands/strand_settings.hpp"
#include "net/http/origin_policy.hpp"
#include "net/loop/runtime.hpp"
#include "net/rpc/access.hpp"
#include "tools/command/command_line.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::tools {

struct server_settings {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::size_t threads = 0; // 0: as many as there are cores
    std::string token_file = {};
    std::vector<std::string> allowed_hosts = {};
    std::vector<std::string> allowed_origins = {};
    std::string log_level = "info";
};

void add_server_settings(command to, server_settings& settings, const std::string& host_names,
                         const std::string& port_names);
void add_strand_settings(command to, clocksync::strand_settings& settings);

// Sends the log to stderr, marked with `name`.
void set_up_log(const server_settings& settings, const std::string& name);

// Throws when the file cannot be used: the program must not start. Warns when others may read it.
net::access_policy read_access(const server_settings& settings);

// The same for a server that belongs to a fleet: throws also when no line gives the token that servers show
// each other.
net::access_policy read_fleet_access(const server_settings& settings);

// What every server does before it opens anything: makes new files private, raises the limit on descriptors,
// joins the machine's memory budget, takes over the log of libraries.
void prepare_process();

// Takes from other users all access to the program's files in the data folder.
void make_data_private(const std::string& folder);

// Throws when a name cannot be a host's, or a site cannot be an origin.
net::origin_policy read_origins(const server_settings& settings);

std::size_t thread_count(const server_settings& settings);

// One line on stdout for whoever started us: `ready frontend 127.0.0.1:7401`.
void say_ready(std::string_view kind, std::string_view address);

// How long a server may take to finish what it has begun.
inline constexpr std::chrono::milliseconds drain_within{5'000};

// The signals that end a server. They are blocked from construction on, in threads started later too, and
// taken one by one by whoever waits.
class stop_signals {
public:
    stop_signals();

    // Returns when SIGTERM, SIGINT, SIGQUIT or SIGHUP has come, or `request` was called. Under nohup a SIGHUP
    // goes unheard.
    void wait();
    // Runs `finish` on a thread of its own and returns when it has ended. A signal that comes meanwhile ends
    // the process at once, after `last_act`.
    void finish_or_die(const std::function<void()>& finish, const std::function<void()>& last_act = {});
    // As if a signal had come. Any thread.
    void request();

private:
    sigset_t blocked_;
};

// Stops the threads of a server that could not start, so that it can be destroyed, and throws the failure.
[[noreturn]] void give_up(net::runtime& threads, const wire::error& failure);

} // namespace stadion::tools
