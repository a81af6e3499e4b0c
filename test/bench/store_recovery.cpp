// How long a store takes to open after its process was killed, per million records: a friendly case and a
// hard one.
//
//     store_recovery [--records N] [--directory DIR]
//
// Friendly: all of it is in the journal, few tables, a key now and then. Hard, with a quarter of the records,
// as each costs more: many tables, of which some have long histories, a key for every record, most of it in
// checkpoints and key files, killed amid a checkpoint, and the last write of the journal torn.
#include "dbserver/engine/json_store.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace stadion;
using namespace stadion::dbserver;

struct scenario {
    const char* name;
    std::uint64_t records = 0;
    bool is_hard = false;
};

json_store_options options_for(const std::string& directory, bool makes_checkpoints) {
    json_store_options options;
    options.directory = directory;
    options.maintain = makes_checkpoints; // without, all of it stays in the journal
    return options;
}

v1::Mutation record(const scenario& what, std::uint64_t number) {
    constexpr std::uint64_t famous_games = 10; // which have half of all updates
    std::uint64_t game = number % 1000;
    if (what.is_hard)
        game = number % 2 ? number / 2 % famous_games : famous_games + number / 2 % (what.records / 50 + 1);
    const bool with_key = what.is_hard || number % 10 == 0;
    return test::set_points("game " + std::to_string(game),
                            {{"Argentina", static_cast<std::int32_t>(number % 7)}, {"France", 1}},
                            with_key ? "key " + std::to_string(number) : std::string());
}

// Table files of an unfinished checkpoint: the manifest does not name them yet.
bool is_in_a_checkpoint(const std::filesystem::path& directory) {
    for (const auto& one : std::filesystem::directory_iterator(directory / "tables" / "games"))
        if (one.path().extension() == ".new") return true;
    return false;
}

[[noreturn]] void die_in_a_checkpoint(json_store& opened, const std::filesystem::path& directory) {
    std::thread([&] {
        for (;;) opened.checkpoint_now();
    }).detach(); // dies with the process
    const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_in_a_checkpoint(directory) && std::chrono::steady_clock::now() < enough)
        std::this_thread::yield(); // the maintenance thread may have saved all there is
    ::_exit(0);
}

// Ends like a killed process: nothing is closed, and a checkpoint is unfinished.
[[noreturn]] void fill(const std::string& directory, const scenario& what) {
    json_store opened(options_for(directory, what.is_hard));
    std::atomic<std::uint64_t> done{0};
    constexpr std::uint64_t together = 4096;
    for (std::uint64_t sent = 0; sent < what.records;) {
        std::vector<v1::Mutation> mutations;
        const std::uint64_t end = std::min(what.records, sent + together);
        for (std::uint64_t i = sent; i < end; ++i) mutations.push_back(record(what, i));
        opened.commit(std::move(mutations), [&, end](std::vector<outcome> outcomes) {
            for (const auto& one : outcomes)
                if (one.result != v1::Outcome::APPLIED)
                    std::fprintf(stderr, "an update was refused\n"), ::_exit(1);
            done = end;
            done.notify_all();
        });
        sent = end;
        for (std::uint64_t now = done; now + 4 * together < sent; now = done) done.wait(now);
    }
    for (std::uint64_t now = done; now < what.records; now = done) done.wait(now);
    if (what.is_hard) die_in_a_checkpoint(opened, directory);
    ::_exit(0);
}

// A torn write: an incomplete record behind the last one.
void tear_tail(const std::filesystem::path& journal) {
    std::filesystem::path last;
    for (const auto& one : std::filesystem::directory_iterator(journal)) {
        std::ifstream segment(one.path(), std::ios::binary);
        if (segment.peek() != 0 && one.path() > last) last = one.path(); // not one of zeros
    }
    std::fstream segment(last, std::ios::binary | std::ios::in | std::ios::out);
    constexpr std::streamoff block = 1 << 16;
    std::string bytes(block, '\0');
    std::streamoff end = static_cast<std::streamoff>(std::filesystem::file_size(last));
    for (std::size_t used = 0; end > 0 && used == 0;) {
        const auto from = std::max<std::streamoff>(0, end - block);
        bytes.resize(static_cast<std::size_t>(end - from));
        segment.seekg(from).read(bytes.data(), end - from);
        used = bytes.find_last_not_of('\0') + 1;
        end = from + static_cast<std::streamoff>(used);
    }
    segment.seekp(end).write(std::string(1 << 17, 'x').data(), 1 << 17);
}

bool run(const std::string& directory, const scenario& what) {
    const pid_t child = ::fork();
    if (child == 0) fill(directory, what);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) return std::fprintf(stderr, "the store could not be filled\n"), false;
    if (what.is_hard) tear_tail(std::filesystem::path(directory) / "journal");

    const auto start = std::chrono::steady_clock::now();
    json_store opened(options_for(directory, false));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const auto found = opened.sequence();
    std::printf("%s: %llu records, opened in %.2f s, %.2f s per million; %zu warnings\n", what.name,
                static_cast<unsigned long long>(found), took.count(),
                took.count() * 1e6 / static_cast<double>(std::max<std::uint64_t>(found, 1)),
                opened.health().warnings.size());
    std::fflush(stdout);
    const bool tail_was_told = !what.is_hard || !opened.health().warnings.empty();
    if (found != what.records || !tail_was_told)
        return std::fprintf(stderr, "%llu records were acknowledged%s\n",
                            static_cast<unsigned long long>(what.records),
                            tail_was_told ? "" : ", and nobody noticed the torn tail"),
               false;
    return true;
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
    const bool friendly =
        run(directory + "/friendly",
            {"friendly (journal alone, 1,000 tables, one in ten with a key)", records, false});
    const bool hard = run(directory + "/hard",
                          {"hard (many tables, long histories, all keyed, killed in a checkpoint, torn tail)",
                           records / 4, true});
    return friendly && hard ? 0 : 1;
}
