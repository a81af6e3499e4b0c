// How long a store takes to open after its process was killed, per million records in the journal.
//
//     store_recovery [--records N] [--directory DIR]
#include "dbserver/json_store.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace stadion;
using namespace stadion::dbserver;

json_store_options options_for(const std::string& directory) {
    json_store_options options;
    options.directory = directory;
    options.maintain = false; // no checkpoint: all of it stays in the journal
    return options;
}

// Ends as a killed process does: nothing is closed.
[[noreturn]] void fill(const std::string& directory, std::uint64_t records) {
    json_store opened(options_for(directory));
    std::atomic<std::uint64_t> done{0};
    constexpr std::uint64_t together = 4096;
    for (std::uint64_t sent = 0; sent < records; sent += together) {
        std::vector<v1::Mutation> mutations;
        for (std::uint64_t i = sent; i < std::min(records, sent + together); ++i)
            mutations.push_back(
                test::set_points("game " + std::to_string(i % 1000),
                                 {{"Argentina", static_cast<std::int32_t>(i % 7)}, {"France", 1}},
                                 i % 10 == 0 ? "key " + std::to_string(i) : std::string()));
        const std::uint64_t count = mutations.size();
        opened.commit(std::move(mutations), [&done, count](std::vector<outcome>) {
            done += count;
            done.notify_all();
        });
        for (std::uint64_t now = done; now + 4 * together < sent; now = done) done.wait(now);
    }
    for (std::uint64_t now = done; now < records; now = done) done.wait(now);
    ::_exit(0);
}

} // namespace

int main(int count, char** arguments) {
    std::uint64_t records = 1'000'000;
    test::temporary_directory own;
    std::string directory = own.path();
    for (int i = 1; i + 1 < count; i += 2) {
        if (std::strcmp(arguments[i], "--records") == 0)
            records = std::strtoull(arguments[i + 1], nullptr, 10);
        else if (std::strcmp(arguments[i], "--directory") == 0)
            directory = arguments[i + 1];
        else
            return std::fprintf(stderr, "store_recovery: what is %s?\n", arguments[i]), 2;
    }
    directory += "/store";
    const pid_t child = ::fork();
    if (child == 0) fill(directory, records);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) return std::fprintf(stderr, "the store could not be filled\n"), 1;

    const auto start = std::chrono::steady_clock::now();
    json_store opened(options_for(directory));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%llu records, one in ten with a key: opened in %.2f s, %.2f s per million\n",
                static_cast<unsigned long long>(opened.sequence()), took.count(),
                took.count() * 1e6 / static_cast<double>(opened.sequence()));
    return opened.sequence() == records ? 0 : 1;
}
