// Fills a small disk under load and then frees it: what is refused, how quickly, and when updates resume.
//
//     store_full [--directory DIR]
//
// DIR is on a small file system. Without it the program mounts a tmpfs of 8 MiB, which needs the right to
// mount in a namespace.
#include "dbserver/engine/json_store.hpp"
#include "test/support/store_calls.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace stadion;
using namespace stadion::dbserver;
using clock_type = std::chrono::steady_clock;

double ms_since(clock_type::time_point start) {
    return std::chrono::duration<double, std::milli>(clock_type::now() - start).count();
}

bool mount_own(std::string& directory) {
    char pattern[] = "/tmp/stadion-full-XXXXXX";
    const uid_t user = ::getuid();
    if (user != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    } else if (::unshare(CLONE_NEWNS) != 0) {
        return false;
    }
    if (!::mkdtemp(pattern)) return false;
    directory = pattern;
    // The mount is private to this process and goes with it.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    return ::mount("tmpfs", pattern, "tmpfs", 0, "size=8m") == 0;
}

struct tally_of_answers {
    std::uint64_t applied = 0, refused = 0, other = 0;
    double slowest_refusal_ms = 0;
};

// Updates, one after the other, until `enough` says so.
template <typename Enough>
tally_of_answers load(store& on, std::uint64_t& medals, Enough enough) {
    tally_of_answers answers;
    while (!enough(answers)) {
        const auto began = clock_type::now();
        const outcome one =
            commit_and_wait(on, test::add_medal("gauls", "gold", 1, "medal " + std::to_string(medals)));
        if (one.result == v1::Outcome::APPLIED || one.result == v1::Outcome::DUPLICATE) {
            ++answers.applied;
            ++medals;
        } else if (one.result == v1::Outcome::UNAVAILABLE && !one.failure->outcome_unknown) {
            ++answers.refused;
            answers.slowest_refusal_ms = std::max(answers.slowest_refusal_ms, ms_since(began));
        } else {
            ++answers.other;
        }
    }
    return answers;
}

void fill(const std::string& path) {
    std::ofstream to(path, std::ios::binary);
    for (std::size_t size : {65536u, 512u, 1u}) {
        const std::string bytes(size, 'x');
        while (to.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) {
        }
        to.clear();
    }
}

} // namespace

int main(int count, char** arguments) {
    std::string directory;
    if (count == 3 && std::strcmp(arguments[1], "--directory") == 0)
        directory = arguments[2];
    else if (!mount_own(directory)) {
        std::printf("skipped: a small file system cannot be mounted here; give one with --directory\n");
        return 77;
    }
    std::uint64_t medals = 0;
    bool kept = true;
    {
        json_store_options options;
        options.directory = directory + "/data";
        json_store opened(options);
        const store& reader = opened;
        // Few enough that what must be kept of them, history and keys, leaves room for what follows.
        const auto before =
            load(opened, medals, [](auto& so_far) { return so_far.applied >= 2000 || so_far.refused > 0; });
        std::printf("before: %llu applied, %llu refused\n", static_cast<unsigned long long>(before.applied),
                    static_cast<unsigned long long>(before.refused));
        fill(directory + "/filler");
        const auto filled = clock_type::now();
        const auto full = load(opened, medals, [&](auto& so_far) {
            return so_far.refused >= 1000 || ms_since(filled) > 10'000;
        });
        const bool reads = reader.load("teams/gauls")->tally()->gold() == medals;
        std::printf("full: %llu more applied, then %llu refused, the slowest in %.1f ms; reads go on: %s\n",
                    static_cast<unsigned long long>(full.applied),
                    static_cast<unsigned long long>(full.refused), full.slowest_refusal_ms,
                    reads ? "yes" : "NO");
        std::printf("  \"%s\"\n", opened.health().detail.c_str());
        kept = kept && reads && full.refused >= 1000 && full.slowest_refusal_ms < 100 && full.other == 0;
        ::unlink((directory + "/filler").c_str());
        const auto freed = clock_type::now();
        const auto after = load(
            opened, medals, [&](auto& so_far) { return so_far.applied >= 1 || ms_since(freed) > 10'000; });
        std::printf("freed: updates are taken again after %.0f ms\n", ms_since(freed));
        kept = kept && after.applied >= 1 && ms_since(freed) < 5000;
        const auto steady = load(
            opened, medals, [&](auto& so_far) { return so_far.applied >= 1000 || ms_since(freed) > 20'000; });
        kept = kept && steady.applied >= 1000;
    }
    json_store_options options;
    options.directory = directory + "/data";
    json_store again(options);
    const bool exact = again.load("teams/gauls", audience::scorer)->tally()->gold() == medals;
    std::printf("opened again: %llu medals acknowledged, %u found\n", static_cast<unsigned long long>(medals),
                again.load("teams/gauls", audience::scorer)->tally()->gold());
    return kept && exact ? 0 : 1;
}
