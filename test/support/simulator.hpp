// A fleet in one thread: the state machines that production runs, under a seeded schedule of delays,
// losses, repetitions, pauses, crashes, restarts, partitions, load changes and drifting clocks.
//
// Everything that happens follows from the seed, so a failing seed replays bit for bit; with a trace it reads
// as an exchange of messages. The monitor asserts every invariant of clocksync/README.md after every step.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::support {

using clocksync::duration;
using clocksync::instant;

// splitmix64: small, seedable, the same everywhere.
class random_source {
public:
    explicit random_source(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    bool chance(double probability) { return uniform() < probability; }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    duration between(duration low, duration high);
    double exponential(double mean);

private:
    std::uint64_t state_;
};

enum class trace_topic { membership, election, order, clock };

struct simulation_options {
    std::uint64_t seed = 1;
    unsigned servers = 0; // 0: 2 to 5, by the seed
    bool faults = true;
    bool workload = true;
    bool clocks = true;
    bool even_delays = false; // every message takes 100 µs: for golden exchanges
    duration calm = std::chrono::milliseconds(1200);
    clocksync::planted_bug bug = clocksync::planted_bug::none;
    std::function<void(trace_topic, std::string_view)> trace; // none: nothing is formatted
};

struct simulation_result {
    std::optional<std::string> violation; // "T1 at 1.234567 s: …"
    std::uint64_t steps = 0;
    std::uint64_t delivered = 0; // messages of the longest log
    std::uint64_t elections = 0;
    std::uint64_t views = 0;
};

// One seeded run: a storm of faults, then calm, then the checks of liveness.
simulation_result simulate(const simulation_options& options);

// The same world, driven by hand: for golden exchanges and tests of one behaviour.
class simulator {
public:
    explicit simulator(const simulation_options& options);
    ~simulator();

    // Runs events up to that time, or to the first violation. False: there is one.
    bool run_until(instant time);
    instant now() const;
    const std::optional<std::string>& violation() const;

    void crash(unsigned server);
    void restart(unsigned server);
    void pause(unsigned server);
    void resume(unsigned server);
    void isolate(unsigned server, bool on); // from its peers; the dispatcher still hears it
    void crash_dispatcher();
    void restart_dispatcher();
    void set_load(unsigned server, double spare_capacity);
    void submit(unsigned server, std::string_view client, std::uint64_t first, std::uint64_t count);

    clocksync::server_id id_of(unsigned server) const; // 0: not in
    clocksync::server_id leader_of(unsigned server) const;
    std::uint64_t epoch_of(unsigned server) const;
    std::uint64_t log_length_of(unsigned server) const;
    std::uint64_t requests_of(unsigned server) const;
    std::string raffle_record_of(unsigned server) const;

    // E5, T6 and the rest of what must hold some time after the last fault.
    void check_settled();
    simulation_result result() const;

private:
    friend simulation_result simulate(const simulation_options& options);
    class world;
    std::unique_ptr<world> world_;
};

std::string_view name_of(clocksync::planted_bug bug);
std::optional<clocksync::planted_bug> planted_bug_from(std::string_view name);
std::vector<clocksync::planted_bug> all_planted_bugs();

} // namespace stadion::support
