// The durability campaigns: randomised tests, from a seed, that try to make the JSON-file engine break its
// guarantees.
//
// A workload is a short run of a store: random updates, retries, reversals, freezes and checkpoints, some of
// them concurrent. It runs on a simulated disk that records every change. Then, for a crash after every
// single change, several of the disks that the crash may leave are opened. What is found is compared with
// what was answered: no acknowledged update is missing, nothing is there that was never sent, nothing is
// applied twice.
#pragma once

#include "test/support/faulty_files.hpp"

#include <cstdint>
#include <string>
#include <unordered_set>

namespace stadion::test {

struct campaign_figures {
    std::uint64_t workloads = 0;
    std::uint64_t commits = 0;
    std::uint64_t crash_points = 0;
    std::uint64_t crash_states = 0;
    std::unordered_set<std::uint64_t> distinct_crash_states; // fingerprints of the disks
    std::uint64_t failed_calls = 0;
    std::uint64_t damaged_bytes = 0;
    std::uint64_t undetected_bytes = 0;
    std::uint64_t histories = 0;
    std::uint64_t broken_promises = 0;
    std::string first_broken; // what happened, with its seed

    void broken(std::uint64_t seed, const std::string& how);
};

// Crashes one workload after every change; opens `states` of the possible disks at each.
void try_crashes(std::uint64_t seed, unsigned states, campaign_figures& figures);

// Repeats one workload with each of its calls failing in turn, in every way or in the one given.
inline constexpr fault every_fault[] = {fault::input_output_error, fault::no_space, fault::short_write,
                                        fault::torn_write};
void try_failed_calls(std::uint64_t seed, campaign_figures& figures, fault only = fault::none);

// A call fails once or for a while, the workload continues, and then the power fails. Runs `faults` workloads
// with a different fault each, and crashes each at some of its changes. With the maintenance thread and
// without it.
void try_survived_faults(std::uint64_t seed, unsigned faults, campaign_figures& figures);

// Changes one byte in a file of a store that was closed or killed, `bytes` times.
void try_damage(std::uint64_t seed, unsigned bytes, campaign_figures& figures);

// Threads read and write one table concurrently, `operations` in all. Their history must be linearizable.
void try_concurrency(std::uint64_t seed, unsigned operations, campaign_figures& figures);

} // namespace stadion::test
