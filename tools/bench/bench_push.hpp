// Measures push. One writer keeps updates outstanding; each carries the time it was made at, and so does its
// event. Subscribers count the events that reach them and how long each took. One thread reads all
// subscribers, so its own delays are part of the figures.
#pragma once

#include "tools/bench/bench_generator.hpp"

namespace stadion::tools {

struct push_load {
    std::string address; // where the subscribers are, and the writer
    std::size_t subscribers = 1;
    std::size_t outstanding = 256;
    std::chrono::milliseconds warm_up{500};
    std::chrono::milliseconds measure{2'000};
    std::uint64_t id_first = 1; // of the writer's requests
    std::string subscribe;      // what a subscriber sends first
    std::string marker;         // the bytes before the stamp in what reaches it
};

struct push_sample {
    double deliveries_per_second = 0;
    double updates_per_second = 0; // that the writer made
    latency_histogram to_each;     // from the writer to a subscriber, of all deliveries
    latency_histogram to_last;     // until the last subscriber had it, of the events that reached all
    std::uint64_t not_to_all = 0;  // events that did not reach all, as push_account.hpp counts them
};

wire::result<push_sample> generate_push(const push_load& load, const bench_traffic& writer);

// The frame that the bytes begin with: its size, 0 when it is not whole, and whether it counts as an event.
// Requests count too: the echo sends its subscribers what its writer sends, which are requests.
struct push_frame {
    std::size_t size = 0;
    bool is_event = false;
};
push_frame look_at_push(std::string_view received) noexcept;

} // namespace stadion::tools
