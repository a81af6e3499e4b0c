// The results of `stadion bench` as a table and as JSON. Pure.
#pragma once

#include "tools/bench/latency_histogram.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace stadion::tools {

struct bench_row {
    std::string scenario;     // "wire 64×16"; what is a part of a whole has "part:" in front
    std::string unit;         // "/s", "B"
    std::vector<double> runs; // ours, one figure per repetition
    std::string peer;         // what it is compared to: "echo", "nginx"
    std::vector<double> peer_runs;
    latency_histogram latency;    // ours, of all repetitions
    latency_histogram to_last;    // of a push: until the last subscriber had it
    std::uint64_t not_to_all = 0; // of a push: events that did not reach all, as push_account.hpp counts them
    std::uint64_t failed = 0;
    std::optional<double> reach; // the target
    bool reach_is_ratio = false; // of the peer, else a figure
    bool less_is_better = false;
    std::string problem; // why there are no figures
};

// The mean of the middle two when their number is even; 0 of none.
double median(std::vector<double> values);

double ratio(const bench_row& row); // ours to the peer's; 0 without a peer

std::string to_table(const std::vector<bench_row>& rows);
nlohmann::ordered_json to_json(const std::vector<bench_row>& rows);

} // namespace stadion::tools
