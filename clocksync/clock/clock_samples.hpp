// What is known of another server's local clock: minimum delays of a burst of probes, and a line through the
// last bursts.
//
// Plain values, no protocol. An offset is the other's local clock less this server's.
#pragma once

#include "clocksync/ring/types.hpp"

#include <deque>
#include <optional>

namespace stadion::clocksync {

// Offset within `middle ± half_width` at our local time `at`.
struct clock_sample {
    instant at{0};
    duration middle{0};
    duration half_width{0};
};

// The minimum of each direction over a burst of probes.
class clock_burst {
public:
    void clear() { *this = {}; }
    // Four readings: ours at sending, theirs at receipt, theirs at sending, ours at receipt.
    void add(instant sent, instant their_received, instant their_sent, instant received);
    unsigned count() const { return count_; }
    // `drift` is the greatest relative drift. The sample is widened by what the clocks may have moved during
    // the burst.
    std::optional<clock_sample> sample(double drift) const;

private:
    unsigned count_ = 0;
    instant first_{0};
    instant last_{0};
    duration there_{0};
    duration back_{0};
};

// The last samples and the line through them.
class clock_samples {
public:
    struct line {
        instant at{0};
        double offset_ns = 0;
        double rate = 0; // how fast the offset grows
        double rate_error = 0;
        duration bound{0}; // of offset_ns
        bool rate_known = false;
    };

    explicit clock_samples(double drift_max = 200e-6) : drift_max_(drift_max) {}

    // Drops all earlier samples if this one cannot be of the same clock.
    void add(const clock_sample& sample);
    bool empty() const { return samples_.empty(); }
    line fit() const;

private:
    struct rate_interval {
        double low, high;
    };
    rate_interval possible_rates() const;

    static constexpr std::size_t kept = 16;
    double drift_max_;
    std::deque<clock_sample> samples_;
};

} // namespace stadion::clocksync
