// `stadion dispatcher`: starts the fleet and stays.
#include "dispatcher/service/dispatcher_server.hpp"
#include "net/loop/child_process.hpp"
#include "tools/command/commands.hpp"
#include "tools/server/dispatcher_settings.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace stadion::tools {
namespace {

std::string on_or_off(bool value) { return value ? "on" : "off"; }

// What every child is told, so that its settings are ours whatever its environment says.
std::vector<std::string> child_arguments(const dispatcher_settings& from) {
    std::vector<std::string> arguments{
        "--threads",
        std::to_string(from.server.threads),
        "--log-level",
        from.server.log_level,
        "--leader-election",
        on_or_off(from.strands.leader_election),
        "--leader-silence-ms",
        std::to_string(from.strands.leader_silence_ms),
        "--clock-sync",
        on_or_off(from.strands.clock_sync),
        "--raffle",
        on_or_off(from.strands.raffle),
        "--raffle-every",
        std::to_string(from.strands.raffle_every),
        "--clock-drift-ppm",
        std::to_string(from.strands.clock_drift_ppm),
    };
    if (!from.server.token_file.empty())
        arguments.insert(arguments.end(), {"--token-file", from.server.token_file});
    for (const auto& host : from.server.allowed_hosts)
        arguments.insert(arguments.end(), {"--allow-host", host});
    for (const auto& origin : from.server.allowed_origins)
        arguments.insert(arguments.end(), {"--allow-origin", origin});
    return arguments;
}

dispatcher::dispatcher_options options_from(const dispatcher_settings& from) {
    dispatcher::dispatcher_options options;
    options.host = from.server.host;
    options.port = from.server.port;
    options.front_end_port = from.front_end_port;
    options.database_host = from.database_host;
    options.database_port = from.database_port;
    options.servers = from.servers;
    options.servers_max = std::max(from.servers, from.servers_max);
    options.capacity = from.capacity;
    options.data = from.data;
    options.access = read_fleet_access(from.server);
    options.origins = read_origins(from.server);
    options.heartbeat = {std::chrono::milliseconds(from.heartbeat_ms), from.heartbeat_misses};
    options.leader_silence = std::chrono::milliseconds(from.strands.leader_silence_ms);
    options.program = net::own_program_path();
    options.child_arguments = child_arguments(from);
    return options;
}

} // namespace

void add_dispatcher_settings(command to, dispatcher_settings& settings) {
    add_server_settings(to, settings.server, "--host,--disp_ip", "--port,--disp_port");
    to.setting("--frontend-port,--fes_port", settings.front_end_port,
               "the port of the first front-end, then counting up; 0 takes free ones");
    to.setting("--db-host,--db_ip", settings.database_host,
               "the database server's address; as --host unless given");
    to.setting("--db-port,--db_port", settings.database_port, "the database server's port");
    to.setting("--servers,--n_servers", settings.servers, "how many front-ends to start").range(0, 1000);
    to.setting("--max-servers", settings.servers_max, "how many there may be when the fleet fills up")
        .range(1, 1000);
    to.setting("--capacity", settings.capacity, "how many clients a front-end takes");
    add_strand_settings(to, settings.strands);
    to.setting("--data", settings.data, "the folder that holds all data");
    to.setting("--heartbeat-ms", settings.heartbeat_ms, "how often servers report").range(10, 600'000);
    to.setting("--heartbeat-misses", settings.heartbeat_misses, "after how many missed reports one is gone")
        .range(1, 100);
}

namespace {

int run_dispatcher(const dispatcher_settings& from) {
    set_up_log(from.server, "dispatcher");
    ::setenv(last_words_wanted, "1", 1); // no other thread runs yet
    prepare_process();
    make_data_private(from.data);
    auto options = options_from(from);

    stop_signals signals;
    net::runtime threads(thread_count(from.server));
    dispatcher::dispatcher_server server(threads, std::move(options));
    server.on_child_ready = &say_ready;
    server.on_complete = [](std::string_view own) { say_ready("dispatcher", own); };
    auto bound = server.start();
    if (!bound) give_up(threads, bound.error());
    spdlog::info("serving on {}", *bound);
    signals.wait();
    spdlog::info("stopping");
    signals.finish_or_die(
        [&] {
            server.stop(drain_within);
            threads.stop();
        },
        [&] { server.kill_children(); });
    return done;
}

} // namespace

void add_dispatcher(command program) {
    const auto dispatcher =
        program.subcommand("dispatcher", "a whole fleet: starts the servers and looks after them");
    const auto from = std::make_shared<dispatcher_settings>();
    add_dispatcher_settings(dispatcher, *from);
    dispatcher.runs([from] { return run_dispatcher(*from); });
}

} // namespace stadion::tools
