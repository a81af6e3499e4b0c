// How long events take to reach many subscribers: each of them, and the last of them.
//
// An event is known by its sequence. The last subscriber has it when as many deliveries of it came as there
// are subscribers. A table holds the last `events_kept` sequences. An event whose entry is taken by a later
// one before all subscribers had it is counted apart: a server sends a subscriber that falls behind only the
// newest event of each key. Events that are still in the table at the end are not counted apart. A delivery
// costs a few additions and one table entry, so every delivery is recorded.
//
// Pure; not for several threads at once.
#pragma once

#include "tools/bench/latency_histogram.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace stadion::tools {

class push_account {
public:
    explicit push_account(std::size_t subscribers) : subscribers_(subscribers), events_(events_kept) {}

    // A subscriber has got the event, this long after its update was made. A delivery that is not measured (a
    // warm-up) only counts towards its event having reached all.
    void delivered(std::uint64_t sequence, std::chrono::microseconds after, bool is_measured) noexcept;

    // Of all deliveries.
    const latency_histogram& to_each() const noexcept { return to_each_; }
    // Of the events that reached all: when the last subscriber had it.
    const latency_histogram& to_last() const noexcept { return to_last_; }
    // Events that left the table before all subscribers had them.
    std::uint64_t not_to_all() const noexcept { return not_to_all_; }

    static constexpr std::size_t events_kept = 1 << 16;

private:
    struct event {
        std::uint64_t sequence = 0;
        std::size_t deliveries = 0;
        std::chrono::microseconds after_max{0};
        bool is_measured = false;
    };

    std::size_t subscribers_;
    std::vector<event> events_; // index: sequence modulo the size
    latency_histogram to_each_;
    latency_histogram to_last_;
    std::uint64_t not_to_all_ = 0;
};

// The sequence that the body of an Event begins with; nothing when it does not.
std::optional<std::uint64_t> sequence_of_event(std::string_view body) noexcept;

} // namespace stadion::tools
