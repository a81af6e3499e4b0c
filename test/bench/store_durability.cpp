// The durability campaign: tries to make the storage engine lose or double an update, and prints how often it
// could.
//
//     store_durability [--seeds N] [--seconds N] [--states N] [--kills N] [--histories N] [--first-seed N]
//                      [--directory DIR]
//
// Each seed is a workload of its own: every crash point of it with `states` possible disks, and damaged
// bytes; a tenth as many workloads have each of their calls fail in every way. `histories` concurrent ones
// are checked to have an order. `kills` real processes are ended by SIGKILL on a real directory. Ends after
// about `seconds`, which the parts share; the table tells what was asked for and what was reached. Exit
// status 1 when a promise broke or a damaged byte went unnoticed.
#include "dbserver/engine/json_store.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/store_campaign.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

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
    options.disk_check_every = std::chrono::milliseconds(1);
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

using number_map = std::map<std::string, std::uint64_t>;

// Each part has its share of the time, and what the parts before it left of theirs. A part that nothing is
// asked of has none.
class budget {
public:
    budget(std::chrono::seconds all, std::vector<std::pair<std::uint64_t, double>> parts)
        : parts_(std::move(parts)), end_(clock_type::now()) {
        double total = 0;
        for (const auto& [wanted, share] : parts_) total += wanted ? share : 0;
        unit_ = std::chrono::duration<double>(all) / std::max(total, 1e-9);
    }

    // Until when the next part may go on.
    clock_type::time_point next() {
        const auto [wanted, share] = parts_.at(next_++);
        if (wanted) end_ += std::chrono::duration_cast<clock_type::duration>(share * unit_);
        return end_;
    }

private:
    const std::vector<std::pair<std::uint64_t, double>> parts_;
    std::chrono::duration<double> unit_{};
    std::size_t next_ = 0;
    clock_type::time_point end_;
};

kill_figures run_kills(const std::string& directory, number_map& asked, clock_type::time_point end) {
    kill_figures kills;
    std::mt19937 random(static_cast<std::uint32_t>(asked["--first-seed"]));
    std::map<std::uint32_t, std::uint32_t> counts;
    // Each life begins with what all before it have left; a fresh directory now and then keeps that short.
    constexpr std::uint64_t lives_of_a_directory = 50;
    std::string folder;
    while (kills.kills < asked["--kills"] && clock_type::now() < end && kills.lost + kills.doubled == 0) {
        if (kills.kills % lives_of_a_directory == 0) {
            if (!folder.empty()) std::filesystem::remove_all(folder);
            folder = directory + "-" + std::to_string(kills.kills);
            std::filesystem::create_directories(folder);
            counts.clear();
        }
        kill_once(folder, random, counts, kills);
    }
    return kills;
}

void print_row(const char* what, std::uint64_t wanted, std::uint64_t reached) {
    const std::string goal = wanted ? std::to_string(wanted) : "";
    std::printf("%-52s %12s %12llu%s\n", what, goal.c_str(), static_cast<unsigned long long>(reached),
                reached < wanted ? "   the time was up" : "");
}

void print_table(number_map& asked, const test::campaign_figures& figures, std::uint64_t crashed,
                 std::uint64_t failing, const kill_figures& kills) {
    std::printf("%-52s %12s %12s\n", "", "asked for", "reached");
    print_row("processes killed", asked["--kills"], kills.kills);
    print_row("  updates they had acknowledged", 0, kills.acknowledged);
    print_row("concurrent histories of 500 operations", asked["--histories"], figures.histories);
    print_row("random workloads, crashed at every point", asked["--seeds"], crashed);
    print_row("  commits in them", 0, figures.commits);
    print_row("  crash points", 0, figures.crash_points);
    print_row("  crash states recovered from", asked["--states"] * figures.crash_points,
              figures.crash_states);
    print_row("    distinct ones: different names or contents", 0, figures.distinct_crash_states.size());
    print_row("bytes changed", 20 * asked["--seeds"], figures.damaged_bytes);
    print_row("workloads with each of their calls failing", (asked["--seeds"] + 9) / 10, failing);
    print_row("  lives with a failed call", 0, figures.failed_calls);
    std::printf("\n%-52s %12s %12s\n", "", "allowed", "found");
    const auto broken = [](const char* what, std::uint64_t found) {
        std::printf("%-52s %12d %12llu\n", what, 0, static_cast<unsigned long long>(found));
    };
    broken("updates lost in killed processes", kills.lost);
    broken("updates doubled in killed processes", kills.doubled);
    broken("changed bytes that nobody noticed", figures.undetected_bytes);
    broken("other broken promises", figures.broken_promises);
    if (figures.broken_promises) std::printf("%s\n", figures.first_broken.c_str());
}

} // namespace

int main(int count, char** arguments) {
    number_map asked{{"--seeds", 1000}, {"--seconds", 3600}, {"--states", 7},
                     {"--kills", 1000}, {"--first-seed", 1}, {"--histories", 1000}};
    std::string directory;
    for (int i = 1; i < count; i += 2) {
        const std::string name = arguments[i];
        if (i + 1 == count || (name != "--directory" && !asked.contains(name))) {
            std::fprintf(stderr, "store_durability: what is %s?\n", arguments[i]);
            return 2;
        }
        if (name == "--directory")
            directory = arguments[i + 1];
        else
            asked[name] = std::strtoull(arguments[i + 1], nullptr, 10);
    }
    const std::uint64_t tenth = (asked["--seeds"] + 9) / 10;
    const std::chrono::seconds all_time{static_cast<long>(asked["--seconds"])};
    budget time(all_time,
                {{asked["--kills"], 0.25}, {asked["--histories"], 0.15}, {tenth, 0.15}, {tenth, 0.45}});
    test::temporary_directory own;
    if (directory.empty()) directory = own.path();
    const kill_figures kills = run_kills(directory + "/killed", asked, time.next());

    test::campaign_figures figures;
    const std::uint64_t first = asked["--first-seed"];
    const auto each_seed = [&](std::uint64_t wanted, clock_type::time_point end, auto try_one) {
        std::uint64_t seed = first;
        for (; seed < first + wanted && clock_type::now() < end && figures.broken_promises == 0; ++seed)
            try_one(seed);
        return seed - first;
    };
    each_seed(asked["--histories"], time.next(),
              [&](std::uint64_t seed) { test::try_concurrency(seed, 500, figures); });
    const std::uint64_t failing =
        each_seed(tenth, time.next(), [&](std::uint64_t seed) { test::try_failed_calls(seed, figures); });
    // Last, with all the time that is left: it takes the longest.
    const std::uint64_t crashed = each_seed(asked["--seeds"], time.next(), [&](std::uint64_t seed) {
        test::try_crashes(seed, static_cast<unsigned>(asked["--states"]), figures);
        test::try_damage(seed, 20, figures);
    });
    print_table(asked, figures, crashed, failing, kills);
    return figures.broken_promises + figures.undetected_bytes + kills.lost + kills.doubled == 0 ? 0 : 1;
}
