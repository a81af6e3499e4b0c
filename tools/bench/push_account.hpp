// How long events are on their way to many subscribers: to each of them, and until the last has it.
//
// An event is known by its sequence. It counts for "the last" when as many deliveries of it came as there are
// subscribers; those that somebody never got, because newer ones took their place, are counted apart. What
// one delivery costs here is some additions and one place of a table, so it can be done for each.
//
// Pure; not for several threads at once. Bound: the last `events_kept` sequences.
#pragma once

#include "tools/bench/latency_histogram.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace stadion::tools {

class push_account {
public:
    explicit push_account(std::size_t subscribers) : subscribers_(subscribers), events_(events_kept) {}

    // Somebody has got the event, this long after it was made. What is not measured (a warm-up) is followed
    // and not counted.
    void delivered(std::uint64_t sequence, std::chrono::microseconds after, bool is_measured) noexcept;

    // Of all deliveries; of all events, when the last subscriber had it.
    const latency_histogram& to_each() const noexcept { return to_each_; }
    const latency_histogram& to_last() const noexcept { return to_last_; }
    // Events that were overtaken before all had them.
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
