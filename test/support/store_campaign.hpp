// Trying to make the JSON-file engine break its promise, from a seed.
//
// A workload is a short life of a store: random updates, retries, reversals, freezes, checkpoints, alone and
// at once. It is run on a simulated disk that records every change. Then, for a crash after every single
// change, several of the disks that the crash may have left are opened, and what is found is compared with
// what was answered: nothing acknowledged is missing, nothing is there that was never asked for, nothing is
// there twice.
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
    std::unordered_set<std::uint64_t> distinct_crash_states; // fingerprints: many states are the same disk
    std::uint64_t failed_calls = 0;
    std::uint64_t damaged_bytes = 0;
    std::uint64_t undetected_bytes = 0;
    std::uint64_t histories = 0;
    std::uint64_t broken_promises = 0;
    std::string first_broken; // what, with the seed that shows it

    void broken(std::uint64_t seed, const std::string& how);
};

// Every crash point of one workload, `states` of the possible disks at each.
void try_crashes(std::uint64_t seed, unsigned states, campaign_figures& figures);

// One workload again and again, with another call failing each time, in every way or in one.
inline constexpr fault every_fault[] = {fault::input_output_error, fault::no_space, fault::short_write,
                                        fault::torn_write};
void try_failed_calls(std::uint64_t seed, campaign_figures& figures, fault only = fault::none);

// A call fails once or for a while, the life goes on, and then the power fails: at some of the moments of
// `faults` lives with another fault each. With the store's maintenance beside it, and without.
void try_survived_faults(std::uint64_t seed, unsigned faults, campaign_figures& figures);

// One byte changed in a file of a store that was closed, or killed; `bytes` times.
void try_damage(std::uint64_t seed, unsigned bytes, campaign_figures& figures);

// Threads reading and writing one table at once, `operations` in all, recorded; checked to be linearizable.
void try_concurrency(std::uint64_t seed, unsigned operations, campaign_figures& figures);

} // namespace stadion::test
