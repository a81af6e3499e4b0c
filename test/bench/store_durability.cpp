// The durability campaign: tries to make the storage engine lose or double an update, and prints how often it
// could.
//
//     store_durability [--seeds N] [--seconds N] [--states N] [--kills N] [--histories N] [--first-seed N]
//                      [--directory DIR]
//
// Each seed is a workload of its own: every crash point of it with `states` possible disks, and damaged
// bytes; every tenth also has each of its calls fail in every way. `histories` concurrent ones are checked to
// have an order. `kills` real processes are ended by SIGKILL on a real directory. Ends after `seconds`
// whatever is left. Exit status 1 when a promise broke or a damaged byte went unnoticed.
#include "dbserver/json_store.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/store_campaign.hpp"
#include "test/support/temporary_directory.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace stadion;
using namespace stadion::dbserver;
using clock_type = std::chrono::steady_clock;

json_store_options on_disk(const std::string& directory) {
    json_store_options options;
    options.directory = directory;
    options.segment_bytes = 1 << 20;
    options.checkpoint_every = std::chrono::milliseconds(3);
    options.look_every = std::chrono::milliseconds(1);
    return options;
}

struct told {
    std::uint32_t caller = 0;
    std::uint32_t count = 0;
};

// The child: callers that each add one gold to their team after the other and tell the parent when it is
// done.
[[noreturn]] void live(const std::string& directory, int tell, std::uint32_t first) {
    json_store opened(on_disk(directory));
    constexpr std::uint32_t callers = 16;
    struct caller_state {
        json_store* store;
        int tell;
        told next;
        void go() {
            v1::Mutation mutation =
                test::add_medal("team " + std::to_string(next.caller), "gold", 1,
                                "medal " + std::to_string(next.caller) + "." + std::to_string(next.count));
            std::vector<v1::Mutation> mutations;
            mutations.push_back(std::move(mutation));
            store->commit(std::move(mutations), [this](std::vector<outcome> outcomes) {
                const auto result = outcomes.front().result;
                if (result == v1::Outcome::APPLIED || result == v1::Outcome::DUPLICATE) {
                    if (::write(tell, &next, sizeof next) < 0) ::_exit(0);
                    ++next.count;
                }
                waiting = true;
            });
        }
        std::atomic<bool> waiting{true};
    };
    std::vector<std::unique_ptr<caller_state>> all;
    for (std::uint32_t i = 0; i < callers; ++i) {
        all.push_back(std::make_unique<caller_state>());
        all.back()->store = &opened;
        all.back()->tell = tell;
        all.back()->next = {i, first};
    }
    for (;;)
        for (auto& one : all)
            if (one->waiting.exchange(false)) one->go();
}

struct kill_figures {
    std::uint64_t kills = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
};

// A child that is killed after a random time; what it told is then looked for.
void kill_once(const std::string& directory, std::mt19937& random,
               std::map<std::uint32_t, std::uint32_t>& counts, kill_figures& figures) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const std::uint32_t first = static_cast<std::uint32_t>(figures.kills) << 20;
    const pid_t child = ::fork();
    if (child == 0) live(directory, ends[1], first);
    ::close(ends[1]);

    std::map<std::uint32_t, std::uint32_t> acknowledged;
    const std::size_t enough = 1 + random() % 3000;
    std::size_t seen = 0;
    bool killed = false;
    told one;
    while (::read(ends[0], &one, sizeof one) == static_cast<ssize_t>(sizeof one)) {
        acknowledged[one.caller] = one.count - first + 1;
        if (++seen >= enough && !std::exchange(killed, true)) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    ++figures.kills;

    json_store opened(on_disk(directory));
    const store& reader = opened;
    for (std::uint32_t caller = 0; caller < 16; ++caller) {
        const std::string team = "team " + std::to_string(caller);
        const state_ptr now = reader.load("teams/" + team);
        const std::uint32_t gold = now ? now->tally()->gold() : 0;
        const std::uint32_t least = counts[caller] + acknowledged[caller];
        figures.acknowledged += acknowledged[caller];
        if (gold < least) figures.lost += least - gold;
        if (gold > least + 1) figures.doubled += gold - least - 1;
        // The one that was in flight is asked for again; whether it had happened or not, it is there once.
        const std::string key =
            "medal " + std::to_string(caller) + "." + std::to_string(first + acknowledged[caller]);
        const outcome again = commit_and_wait(opened, test::add_medal(team, "gold", 1, key));
        if ((again.result == v1::Outcome::DUPLICATE) != (gold == least + 1)) ++figures.doubled;
        counts[caller] = reader.load("teams/" + team)->tally()->gold();
        if (counts[caller] != least + 1) ++figures.doubled;
    }
}

} // namespace

int main(int count, char** arguments) {
    std::map<std::string, std::string> settings{
        {"--seeds", "1000"},   {"--seconds", "3600"},   {"--states", "7"},  {"--kills", "1000"},
        {"--first-seed", "1"}, {"--histories", "1000"}, {"--directory", ""}};
    for (int i = 1; i < count; i += 2) {
        if (!settings.contains(arguments[i]) || i + 1 == count) {
            std::fprintf(stderr, "store_durability: what is %s?\n", arguments[i]);
            return 2;
        }
        settings[arguments[i]] = arguments[i + 1];
    }
    const auto number = [&](const char* name) { return std::strtoull(settings[name].c_str(), nullptr, 10); };
    const auto end = clock_type::now() + std::chrono::seconds(number("--seconds"));

    kill_figures kills;
    {
        test::temporary_directory own;
        const std::string directory =
            (settings["--directory"].empty() ? own.path() : settings["--directory"]) + "/killed";
        std::mt19937 random(static_cast<std::uint32_t>(number("--first-seed")));
        std::map<std::uint32_t, std::uint32_t> counts;
        while (kills.kills < number("--kills") && clock_type::now() < end && kills.lost + kills.doubled == 0)
            kill_once(directory, random, counts, kills);
    }
    test::campaign_figures figures;
    const std::uint64_t first = number("--first-seed");
    for (std::uint64_t seed = first;
         seed < first + number("--seeds") && clock_type::now() < end && figures.broken_promises == 0;
         ++seed) {
        test::try_crashes(seed, static_cast<unsigned>(number("--states")), figures);
        test::try_damage(seed, 20, figures);
        if (seed % 10 == 1) test::try_failed_calls(seed, figures);
    }

    for (std::uint64_t seed = first;
         seed < first + number("--histories") && clock_type::now() < end && figures.broken_promises == 0;
         ++seed)
        test::try_concurrency(seed, 500, figures);

    const auto row = [](const char* what, std::uint64_t value) {
        std::printf("%-56s %12llu\n", what, static_cast<unsigned long long>(value));
    };
    row("random workloads", figures.workloads);
    row("  commits in them", figures.commits);
    row("  crash points", figures.crash_points);
    row("  crash states recovered from", figures.crash_states);
    row("  lives with a failed call", figures.failed_calls);
    row("  bytes changed", figures.damaged_bytes);
    row("  of which nobody noticed", figures.undetected_bytes);
    row("concurrent histories of 500 operations", figures.histories);
    row("processes killed", kills.kills);
    row("  updates they had acknowledged", kills.acknowledged);
    row("  lost", kills.lost);
    row("  doubled", kills.doubled);
    row("broken promises", figures.broken_promises + kills.lost + kills.doubled);
    if (figures.broken_promises) std::printf("%s\n", figures.first_broken.c_str());
    return figures.broken_promises + figures.undetected_bytes + kills.lost + kills.doubled == 0 ? 0 : 1;
}
