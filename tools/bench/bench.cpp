// `stadion bench`: measures a running server beside a raw echo on the same machine.
#include "tools/bench/bench_suite.hpp"
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/wait_for.hpp"
#include "tools/fleet/fleet_probe.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace stadion::tools {
namespace {

constexpr std::chrono::milliseconds ask_within{2'000};

struct bench_options {
    fleet_options fleet;
    std::string target;
    std::string at = "frontend";
    double seconds = 2;
    bench_plan plan;
};

// The server to measure and its process, from the dispatcher where they are not given.
wire::result<void> find_target(const bench_options& wanted, bench_plan& plan) {
    plan.address = wanted.target;
    plan.is_database = wanted.at == "database";
    if (!plan.address.empty() && plan.pid != 0) return {};
    net::runtime threads(1);
    fleet_probe probe(threads.at(0), wanted.fleet.dispatcher, wanted.fleet.token);
    console terminal({});
    const auto report = wait_for(terminal, threads.at(0), probe.ask(ask_within));
    threads.stop();
    if (!report || !report->failure.empty()) {
        if (!plan.address.empty()) return {};
        return wire::make_error(wire::status::unavailable, "the dispatcher at " + wanted.fleet.dispatcher +
                                                               " does not answer (" +
                                                               (report ? report->failure : "interrupted") +
                                                               "); start a fleet with `stadion up`");
    }
    for (const auto& server : report->servers)
        if (server.listed.kind() == "dbserver" && server.answers) plan.database = server.listed.address();
    for (const auto& server : report->servers) {
        const bool is_wanted =
            plan.address.empty()
                ? server.listed.kind() == (plan.is_database ? "dbserver" : "frontend") && server.answers
                : server.listed.address() == plan.address;
        if (!is_wanted) continue;
        plan.address = server.listed.address();
        plan.is_database = server.listed.kind() == "dbserver";
        if (plan.pid == 0) plan.pid = static_cast<int>(server.listed.pid());
        return {};
    }
    if (!plan.address.empty()) return {};
    return wire::make_error(wire::status::not_found, "the dispatcher knows of no such server");
}

std::string threads_text(int pid) {
    std::error_code failure;
    const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", failure);
    if (pid == 0 || failure) return "threads that are not known";
    return std::to_string(std::distance(tasks, {})) + " threads";
}

int run_bench(const bench_options& wanted) {
    auto plan = wanted.plan;
    plan.token = wanted.fleet.token;
    plan.measure = std::chrono::milliseconds(static_cast<int>(wanted.seconds * 1000));
    const auto complain = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
    const auto echo = bench_echo::start(plan.server_threads); // before there are threads
    if (!echo) return complain(echo.error().message), failed;
    if (auto found = find_target(wanted, plan); !found) return complain(found.error().message), failed;
    complain("measuring the " + std::string(plan.is_database ? "database server" : "front-end") + " at " +
             plan.address + ", whose process has " + threads_text(plan.pid) + "; the load is made by " +
             std::to_string(plan.threads) + ", the echo has " + std::to_string(plan.server_threads));
    bench_suite suite(plan, *echo, [&](const std::string& scenario) { complain("  " + scenario); });
    const auto rows = suite.run();
    if (!rows) return complain(plan.address + ": " + rows.error().message), failed;
    std::fputs((wanted.fleet.json ? to_json(*rows).dump() + "\n" : to_table(*rows)).c_str(), stdout);
    const bool all =
        std::all_of(rows->begin(), rows->end(), [](const auto& row) { return row.problem.empty(); });
    return all ? done : failed;
}

} // namespace

void add_bench(command program) {
    const auto bench =
        program.subcommand("bench", "load generator: figures of a running server beside a raw echo");
    bench.footer(
        "Scenarios: wire 64×1, 64×16, 1×1 and 1×1024 (connections × outstanding), registered 64×1 and 64×16 "
        "(by\n"
        "registered clients, whose requests the raffle counts), rest 64, updates 1, 64, 256 and 1024 (in "
        "flight, "
        "each\n"
        "durable and with a key of its own; beside them the part that the database server has),\n"
        "push 1, 10 and 100 (subscribers), memory. The echo is a minimal Asio server in a process of its own "
        "that\n"
        "sends and receives as many bytes in all; both are measured in turn, and medians are shown.");
    const auto wanted = std::make_shared<bench_options>();
    add_fleet_options(bench, wanted->fleet);
    bench.option("--target", wanted->target,
                 "HOST:PORT of the server; without it the first front-end of the fleet");
    bench.option("--at", wanted->at, "what to measure").show_default().one_of({"frontend", "database"});
    bench.option("--pid", wanted->plan.pid,
                 "the server's process, for its memory; asked of the dispatcher otherwise");
    bench.option("--scenario", wanted->plan.only, "only those whose names begin so").with_commas();
    bench.option("--seconds", wanted->seconds, "how long each measurement takes")
        .show_default()
        .range(0.05, 600.0);
    bench.option("--repeat", wanted->plan.repeat, "how often; the median counts").show_default().range(1, 99);
    bench.option("--generator-threads", wanted->plan.threads, "threads that make the load")
        .show_default()
        .range(1, 64);
    bench
        .option("--peer-threads", wanted->plan.server_threads,
                "threads of the echo; as many as the server has")
        .show_default()
        .range(1, 64);
    bench.option("--idle-connections", wanted->plan.idle_connections, "for the memory of one").show_default();
    bench.flag("--nginx", wanted->plan.with_nginx, "compare REST reads with nginx too");
    bench.runs([wanted] { return run_bench(*wanted); });
}

} // namespace stadion::tools
