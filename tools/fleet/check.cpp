// `stadion check`: is the fleet well? Exit status 0 all well, 1 degraded, 2 down.
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/wait_for.hpp"
#include "tools/fleet/fleet_findings.hpp"
#include "tools/fleet/fleet_probe.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace stadion::tools {
namespace {

struct check_options {
    fleet_options fleet;
    int within_ms = 2'000;
};

int run_check(const check_options& wanted) {
    console terminal({});
    net::runtime threads(1);
    fleet_probe probe(threads.at(0), wanted.fleet.dispatcher, wanted.fleet.token);
    const auto report =
        wait_for(terminal, threads.at(0), probe.ask(std::chrono::milliseconds(wanted.within_ms)));
    threads.stop();
    if (!report) return static_cast<int>(fleet_health::down); // Ctrl-C
    if (wanted.fleet.json) {
        terminal.print(to_json(*report).dump());
    } else {
        auto lines = to_lines(*report);
        if (!lines.empty()) lines.pop_back();
        terminal.print(lines);
    }
    return static_cast<int>(judge(*report));
}

} // namespace

void add_check(command program) {
    const auto check =
        program.subcommand("check", "one-shot health check; exit status 0 well, 1 degraded, 2 down");
    check.footer(
        "Degraded: fewer servers than wanted, one that does not answer, is not ready or keeps dying, "
        "two leaders, a clock\n"
        "without corrections, a front-end that does not follow. Down: the dispatcher does not answer, "
        "or no front-end serves.");
    const auto wanted = std::make_shared<check_options>();
    add_fleet_options(check, wanted->fleet);
    check.option("--within-ms", wanted->within_ms, "how long each server may take to answer")
        .show_default()
        .positive();
    check.runs([wanted] { return run_check(*wanted); });
}

} // namespace stadion::tools
