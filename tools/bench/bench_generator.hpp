// Keeps a number of requests outstanding on each of many connections and measures how long answers take.
//
// Each thread has a share of the connections and one epoll. The loop is closed: after each read a connection
// sends as many new requests as it got answers, in one write. Connecting and a warm-up are not measured.
#pragma once

#include "tools/bench/bench_traffic.hpp"
#include "tools/bench/latency_histogram.hpp"
#include "wire/result.hpp"

namespace stadion::tools {

struct bench_load {
    std::string address;
    std::size_t connections = 64;
    std::size_t outstanding = 1; // on each connection
    std::size_t threads = 1;
    std::chrono::milliseconds warm_up{300};
    std::chrono::milliseconds measure{2'000};
    std::uint64_t id_first = 1; // of every connection; idempotency keys are made of ids
};

struct bench_sample {
    double per_second = 0;
    std::uint64_t failed = 0; // answers that were failures, the warm-up's included
    latency_histogram latency;
};

// UNAVAILABLE when a connection cannot be made or is lost.
wire::result<bench_sample> generate(const bench_load& load, const bench_traffic& traffic);

// A connected, non-blocking socket without delay.
wire::result<int> bench_connect(const std::string& address);

} // namespace stadion::tools
