// Durable updates per second and their latency in the store alone: in this process, without sockets or
// front-end. It is a part of what a user gets, which `stadion bench --scenario updates` measures. Beside it:
// an append with fdatasync for each, and redis-server with `appendfsync always` where there is one, over a
// socket.
//
//     store_throughput [--directory DIR] [--seconds N] [--in-flight N]    (one row of the store's only)
//
// Each update has a number in a write session, as every write that comes through a front-end has. What it
// is without numbers is printed apart. Callers are closed loops: each has one update in flight and starts the
// next when the last is answered, on the thread it belongs to - as a server's connections do - so that their
// number, not threads, is the load.
#include "dbserver/engine/json_store.hpp"
#include "frontend/numbered_writes.hpp"
#include "test/support/percentile.hpp"
#include "test/support/store_calls.hpp"
#include "test/support/temporary_directory.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace stadion;
using namespace stadion::dbserver;
using clock_type = std::chrono::steady_clock;

struct figures {
    double per_second = 0, p50_ms = 0, p99_ms = 0, max_ms = 0;
    std::uint64_t failed = 0;
};

figures figures_of(std::vector<float>& latencies_ms, double seconds, std::uint64_t failed) {
    figures f;
    f.failed = failed;
    if (latencies_ms.empty()) return f;
    std::sort(latencies_ms.begin(), latencies_ms.end());
    const auto at = [&](double share) {
        return double{latencies_ms[test::rank_of(share, latencies_ms.size())]};
    };
    f.per_second = static_cast<double>(latencies_ms.size()) / seconds;
    f.p50_ms = at(0.50), f.p99_ms = at(0.99), f.max_ms = at(1.0);
    return f;
}

void print(const char* what, const figures& f) {
    std::printf("%-48s %10.0f/s   p50 %7.3f ms   p99 %7.3f ms   max %8.3f ms", what, f.per_second, f.p50_ms,
                f.p99_ms, f.max_ms);
    if (f.failed) std::printf("   %llu FAILED", static_cast<unsigned long long>(f.failed));
    std::printf("\n");
    std::fflush(stdout);
}

double ms_since(clock_type::time_point start) {
    return std::chrono::duration<double, std::milli>(clock_type::now() - start).count();
}

// The simplest design: append a line, sync, answer.
figures plain_append(const std::string& directory, double seconds) {
    const std::string path = directory + "/plain.log";
    const int descriptor = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
    const std::string line(150, 'x');
    std::vector<float> latencies;
    std::uint64_t failed = 0;
    const auto start = clock_type::now();
    while (ms_since(start) < seconds * 1000) {
        const auto began = clock_type::now();
        if (::write(descriptor, line.data(), line.size()) < 0 || ::fdatasync(descriptor) != 0) ++failed;
        latencies.push_back(static_cast<float>(ms_since(began)));
    }
    const double took = ms_since(start) / 1000;
    ::close(descriptor);
    return figures_of(latencies, took, failed);
}

// One caller with one update always in flight. It belongs to one worker, as a connection belongs to one
// thread.
struct caller {
    v1::Mutation mutation;
    std::uint64_t number = 0; // in its worker's session; 0: it uses none
    clock_type::time_point began;
    std::int32_t count = 0;
};

// A thread that commits for its callers. A completion only returns the caller to it.
class worker {
public:
    worker(store& on, clock_type::time_point deadline, bool with_numbers)
        : store_(on), deadline_(deadline), with_numbers_(with_numbers) {
        if (with_numbers) session_ = on.begin_session().value();
    }

    void add(caller& one) { ready_.push_back(&one); }

    void run() {
        std::vector<caller*> mine;
        for (std::size_t in_flight = 0;;) {
            {
                std::unique_lock hold(lock_);
                wake_.wait(hold, [&] { return !ready_.empty() || in_flight == 0; });
                std::swap(mine, ready_);
            }
            in_flight -= std::min(in_flight, mine.size());
            for (const caller* one : mine) numbers_.end(one->number);
            if (clock_type::now() < deadline_) {
                in_flight += mine.size();
                for (caller* one : mine) issue(*one);
            } else if (in_flight == 0) {
                return;
            }
            mine.clear();
        }
    }

    const std::vector<float>& latencies_ms() const { return latencies_ms_; }
    std::uint64_t failed() const { return failed_; }

private:
    void issue(caller& one) {
        (*one.mutation.mutable_update_score()->mutable_points())["Argentina"] = ++one.count;
        if (with_numbers_) one.mutation.set_number(one.number = numbers_.next().value());
        one.began = clock_type::now();
        std::vector<v1::Mutation> mutations{one.mutation};
        store_.commit(std::move(mutations),
                      [this, &one](std::vector<outcome> outcomes) { done(one, outcomes.front()); },
                      {session_, numbers_.lowest_open()});
    }

    void done(caller& one, const outcome& what) {
        const auto took = static_cast<float>(ms_since(one.began));
        bool was_empty = false;
        {
            std::lock_guard hold(lock_);
            if (what.result == v1::Outcome::APPLIED)
                latencies_ms_.push_back(took);
            else
                ++failed_;
            was_empty = ready_.empty();
            ready_.push_back(&one);
        }
        if (was_empty) wake_.notify_one();
    }

    store& store_;
    const clock_type::time_point deadline_;
    const bool with_numbers_;
    session_id session_;
    frontend::numbered_writes numbers_;
    std::mutex lock_;
    std::condition_variable wake_;
    std::vector<caller*> ready_;
    std::vector<float> latencies_ms_;
    std::uint64_t failed_ = 0;
};

figures run_load(store& on, std::size_t callers, std::size_t workers, double seconds, bool with_numbers) {
    const auto start = clock_type::now();
    const auto deadline =
        start + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(seconds));
    std::vector<caller> all(callers);
    std::vector<std::unique_ptr<worker>> team;
    for (std::size_t i = 0; i < workers; ++i)
        team.push_back(std::make_unique<worker>(on, deadline, with_numbers));
    for (std::size_t i = 0; i < callers; ++i) {
        all[i].mutation =
            test::set_points("game " + std::to_string(i % 512), {{"Argentina", 0}, {"France", 0}});
        team[i % workers]->add(all[i]);
    }
    std::vector<std::thread> threads;
    for (auto& one : team) threads.emplace_back([&one] { one->run(); });
    for (auto& one : threads) one.join();
    const double took = ms_since(start) / 1000;
    std::vector<float> latencies_ms;
    std::uint64_t failed = 0;
    for (const auto& one : team) {
        latencies_ms.insert(latencies_ms.end(), one->latencies_ms().begin(), one->latencies_ms().end());
        failed += one->failed();
    }
    return figures_of(latencies_ms, took, failed);
}

// Of the whole process, its callers included.
double cpu_seconds() {
    struct rusage used {};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& of) {
        return static_cast<double>(of.tv_sec) + 1e-6 * static_cast<double>(of.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void run_store(const std::string& directory, std::size_t callers, double seconds, bool with_numbers) {
    const std::string data =
        directory + (with_numbers ? "/store-" : "/store-without-numbers-") + std::to_string(callers);
    const std::size_t workers = std::min<std::size_t>(callers, 2);
    json_store_options options;
    options.directory = data;
    json_store opened(options);
    const double cpu_before = cpu_seconds();
    figures f = run_load(opened, callers, workers, seconds, with_numbers);
    const double cpu = cpu_seconds() - cpu_before;
    const health_report report = opened.health();
    print(("store in process, " + std::string(with_numbers ? "" : "without numbers, ") +
           std::to_string(callers) + " in flight")
              .c_str(),
          f);
    if (report.batches)
        std::printf("%48s %zu threads call; %.0f updates a sync, %.1f us of CPU an update, %zu warnings\n",
                    "", workers, static_cast<double>(report.mutations) / static_cast<double>(report.batches),
                    1e6 * cpu / static_cast<double>(report.mutations), report.warnings.size());
}

void run_redis(const std::string& directory, double seconds) {
    if (std::system("command -v redis-server redis-benchmark redis-cli >/dev/null 2>&1") != 0) {
        std::printf("redis-server is not installed\n");
        return;
    }
    const std::string socket = directory + "/redis.sock";
    const std::string quiet = " >/dev/null 2>&1";
    const std::string start = "redis-server --port 0 --unixsocket " + socket + " --dir " + directory +
                              " --appendonly yes --appendfsync always --save '' --daemonize yes" + quiet;
    if (std::system(start.c_str()) != 0) return;
    while (std::system(("redis-cli -s " + socket + " ping" + quiet).c_str()) != 0) std::this_thread::yield();
    for (const int clients : {1, 64, 256, 1024}) {
        const auto count = static_cast<long>(seconds * (clients == 1 ? 4000 : 60000));
        std::printf("redis over a socket, appendfsync always, %d in flight, 1 thread each side: ", clients);
        std::fflush(stdout);
        const std::string run = "redis-benchmark -s " + socket + " -t set -d 100 -r 512 -q -n " +
                                std::to_string(count) + " -c " + std::to_string(clients) +
                                " | tr '\\r' '\\n' | grep 'requests per second' | tail -1";
        if (std::system(run.c_str()) != 0) std::printf("failed\n");
    }
    if (std::system(("redis-cli -s " + socket + " shutdown nosave" + quiet).c_str()) != 0) return;
}

} // namespace

int main(int count, char** arguments) {
    std::string directory;
    double seconds = 3;
    std::size_t in_flight = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        if (std::strcmp(arguments[i], "--directory") == 0)
            directory = arguments[i + 1];
        else if (std::strcmp(arguments[i], "--seconds") == 0)
            seconds = std::atof(arguments[i + 1]);
        else if (std::strcmp(arguments[i], "--in-flight") == 0)
            in_flight = std::strtoull(arguments[i + 1], nullptr, 10);
        else
            return std::fprintf(stderr, "unknown option %s\n", arguments[i]), 2;
    }
    test::temporary_directory own;
    if (directory.empty()) directory = own.path();
    if (in_flight != 0) return run_store(directory, in_flight, seconds, true), 0;
    std::printf("A part: the store in this process. What a user gets: stadion bench --scenario updates\n");
    print("plain append + fdatasync each, 1 caller", plain_append(directory, seconds));
    for (const bool with_numbers : {true, false})
        for (const std::size_t callers : {1u, 64u, 256u, 1024u})
            run_store(directory, callers, seconds, with_numbers);
    run_redis(directory, seconds);
}
