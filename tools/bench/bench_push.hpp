// Measures push: one writer keeps updates outstanding, subscribers count what reaches them, and every event
// tells how long it was on the way. All subscribers are read by one thread, whose own lateness is in the
// figures.
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
    latency_histogram to_last;     // until the last subscriber had it, of all events
    std::uint64_t not_to_all = 0;  // events that newer ones took the place of before all had them
};

wire::result<push_sample> generate_push(const push_load& load, const bench_traffic& writer);

// The size of the first whole frame and whether it is an event, or, when `any_kind`, any frame.
struct push_frame {
    std::size_t size = 0;
    bool is_event = false;
};
push_frame look_at_push(std::string_view received) noexcept;

} // namespace stadion::tools
