#include "tools/server/server_settings.hpp"

#include "net/os/descriptors.hpp"
#include "net/os/limited_log.hpp"
#include "net/os/log_sink.hpp"
#include "net/os/memory_budget.hpp"
#include "net/os/private_files.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <thread>

namespace stadion::tools {
namespace {

constexpr int own_signal = SIGUSR1; // what this process tells itself

} // namespace

void add_server_settings(command to, server_settings& settings, const std::string& host_names,
                         const std::string& port_names) {
    to.setting(host_names, settings.host, "the address to serve on");
    to.setting(port_names, settings.port, "the port to serve on; 0 takes a free one");
    to.setting("--threads", settings.threads, "worker threads; 0 means one per core").range(0, 1024);
    to.setting("--token-file", settings.token_file,
               "who may do what: a file of lines `role token` (scorer, operator, server)");
    to.setting("--allow-host", settings.allowed_hosts,
               "other names of this server that HTTP requests may use, with commas; * for any")
        .with_commas()
        .one_argument();
    to.setting("--allow-origin", settings.allowed_origins,
               "sites whose pages may talk to this server, https://scores.example; * for any")
        .with_commas()
        .one_argument();
    to.setting("--log-level", settings.log_level, "trace, debug, info, warn, error or off")
        .one_of({"trace", "debug", "info", "warn", "error", "off"});
}

void add_strand_settings(command to, clocksync::strand_settings& settings) {
    to.on_off("--leader-election,--is_leader_election", settings.leader_election, "servers elect a leader");
    to.setting("--leader-silence-ms", settings.leader_silence_ms,
               "a leader that is not heard of for so long is replaced")
        .range(20u, 60'000u);
    to.on_off("--clock-sync,--is_clock_sync", settings.clock_sync, "the leader keeps clocks together");
    to.on_off("--raffle,--is_raffle", settings.raffle, "every so many requests one wins");
    to.setting("--raffle-every", settings.raffle_every, "how many requests a draw takes")
        .range(1u, 1'000'000'000u);
    to.setting("--clock-drift-ppm", settings.clock_drift_ppm,
               "for tests: each server's clock runs wrong within this many ppm")
        .range(0, 100'000);
}

void set_up_log(const server_settings& settings, const std::string& name) {
    auto log = std::make_shared<spdlog::logger>(name, std::make_shared<net::log_sink>(STDERR_FILENO));
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ [%n %P] %v");
    log->set_level(spdlog::level::from_str(settings.log_level));
    log->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(log));
}

net::access_policy read_access(const server_settings& settings) {
    if (settings.token_file.empty()) return {};
    auto access = net::access_policy::from_file(settings.token_file);
    if (!access) throw std::runtime_error(access.error().message);
    if (net::is_open_to_others(settings.token_file))
        spdlog::warn("others than you may read the tokens in {}; chmod 600 makes it private",
                     settings.token_file);
    return *std::move(access);
}

net::access_policy read_fleet_access(const server_settings& settings) {
    auto access = read_access(settings);
    if (!access.is_open() && access.own_token(net::role::server).empty())
        throw std::runtime_error(settings.token_file +
                                 " has no line `server TOKEN`: without it no server could join the fleet");
    return access;
}

void prepare_process() {
    net::make_files_private();
    net::take_over_protobuf_log();
    const auto descriptors = net::raise_descriptor_limit();
    spdlog::info("{} file descriptors, {} of them free", descriptors, net::descriptors_left());
    if (auto joined = net::join_memory_budget(net::memory_budget_path()); !joined)
        spdlog::warn(
            "memory is not shared with other servers of this machine ({}); connections may hold {} MiB",
            joined.error().message, net::bytes_held_max() >> 20);
}

void make_data_private(const std::string& folder) {
    if (const auto trouble = net::make_private(folder)) spdlog::warn("{}", *trouble);
}

net::origin_policy read_origins(const server_settings& settings) {
    net::origin_policy origins(settings.allowed_hosts, settings.allowed_origins);
    if (auto sound = origins.verify(); !sound) throw std::runtime_error(sound.error().message);
    return origins;
}

std::size_t thread_count(const server_settings& settings) {
    return settings.threads != 0 ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
}

void say_ready(std::string_view kind, std::string_view address) {
    std::printf("ready %.*s %.*s\n", static_cast<int>(kind.size()), kind.data(),
                static_cast<int>(address.size()), address.data());
    std::fflush(stdout);
}

stop_signals::stop_signals() {
    ::sigemptyset(&blocked_);
    for (const int one : {SIGTERM, SIGINT, SIGQUIT, own_signal}) ::sigaddset(&blocked_, one);
    struct sigaction hang_up {};
    ::sigaction(SIGHUP, nullptr, &hang_up);
    if (hang_up.sa_handler != SIG_IGN) ::sigaddset(&blocked_, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &blocked_, nullptr);
}

void stop_signals::wait() {
    int signal = 0;
    ::sigwait(&blocked_, &signal);
}

void stop_signals::finish_or_die(const std::function<void()>& finish, const std::function<void()>& last_act) {
    std::thread finisher([&] {
        finish();
        ::kill(::getpid(), own_signal);
    });
    int signal = 0;
    ::sigwait(&blocked_, &signal);
    if (signal != own_signal) {
        if (last_act) last_act();
        ::_exit(128 + signal);
    }
    finisher.join();
}

void stop_signals::request() { ::kill(::getpid(), own_signal); }

void give_up(net::runtime& threads, const wire::error& failure) {
    threads.stop();
    throw std::runtime_error(failure.message);
}

} // namespace stadion::tools
