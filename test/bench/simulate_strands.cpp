// Runs seeded simulations of the strands. `simulate_strands --seeds 1000000` runs a campaign, `--seed N
// --trace` replays one, `--bug NAME` plants a bug that is to be found, and `--bugs` tries all bugs.
#include "test/support/simulator.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

namespace {

using namespace stadion;

struct campaign {
    std::uint64_t first = 1;
    std::uint64_t seeds = 10'000;
    bool trace = false;
};

// The first seed that shows a violation, 0 for none.
std::uint64_t run(const campaign& what, clocksync::planted_bug bug, bool report) {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t steps = 0, delivered = 0, elections = 0, views = 0;
    for (std::uint64_t seed = what.first; seed < what.first + what.seeds; ++seed) {
        support::simulation_options options;
        options.seed = seed;
        options.bug = bug;
        if (what.trace)
            options.trace = [](support::trace_topic, std::string_view line) {
                std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
            };
        const support::simulation_result result = support::simulate(options);
        steps += result.steps;
        delivered += result.delivered;
        elections += result.elections;
        views += result.views;
        if (result.violation) {
            if (report)
                std::printf("seed %llu: %s\nreplay: simulate_strands --seed %llu --trace\n",
                            static_cast<unsigned long long>(seed), result.violation->c_str(),
                            static_cast<unsigned long long>(seed));
            else
                std::printf("%-36.*s seed %6llu: %s\n", static_cast<int>(support::name_of(bug).size()),
                            support::name_of(bug).data(), static_cast<unsigned long long>(seed),
                            result.violation->c_str());
            return seed;
        }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (report)
        std::printf(
            "%llu seeds, %llu steps, %llu messages, %llu elections, %llu views, %.1f s: no violation\n",
            static_cast<unsigned long long>(what.seeds), static_cast<unsigned long long>(steps),
            static_cast<unsigned long long>(delivered), static_cast<unsigned long long>(elections),
            static_cast<unsigned long long>(views), seconds);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"seeded simulations of election, clock and total order"};
    campaign what;
    std::uint64_t seed = 0;
    std::string bug_name;
    bool all_bugs = false;
    app.add_option("--seeds", what.seeds, "how many");
    app.add_option("--first", what.first, "the first of them");
    app.add_option("--seed", seed, "only this one");
    app.add_flag("--trace", what.trace, "print every message");
    app.add_option("--bug", bug_name, "plant this bug");
    app.add_flag("--bugs", all_bugs, "plant each bug in turn");
    CLI11_PARSE(app, argc, argv);
    if (seed != 0) {
        what.first = seed;
        what.seeds = 1;
    }

    if (all_bugs) {
        unsigned missed = 0;
        for (const auto bug : support::all_planted_bugs()) {
            if (run(what, bug, false) != 0) continue;
            ++missed;
            std::printf("%-36.*s NOT FOUND\n", static_cast<int>(support::name_of(bug).size()),
                        support::name_of(bug).data());
        }
        return missed == 0 ? 0 : 1;
    }
    const auto bug = support::planted_bug_from(bug_name);
    if (!bug_name.empty() && !bug) {
        std::fprintf(stderr, "no such bug: %s\n", bug_name.c_str());
        return 2;
    }
    return run(what, bug.value_or(clocksync::planted_bug::none), true) == 0 ? 0 : 1;
}
