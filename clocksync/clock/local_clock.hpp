// This machine's CLOCK_MONOTONIC, with an artificial drift where a test asks for one.
//
// Servers of one machine share the true clock. Drift gives each of them something to correct, and the shared
// clock is the truth to measure against. A value; any thread.
#pragma once

#include "clocksync/ring/types.hpp"

#include <cmath>

namespace stadion::clocksync {

class local_clock {
public:
    explicit local_clock(double drift_ppm = 0) : drift_(drift_ppm * 1e-6), begin_(monotonic()) {}

    static instant monotonic() {
        return std::chrono::duration_cast<instant>(std::chrono::steady_clock::now().time_since_epoch());
    }

    instant now() const { return at(monotonic()); }
    // What this clock shows when CLOCK_MONOTONIC shows `true_now`.
    instant at(instant true_now) const { return true_now + scaled(true_now - begin_, drift_); }
    // The CLOCK_MONOTONIC time at which `now` will be `local`, for timers.
    std::chrono::steady_clock::time_point due(instant local) const {
        const duration since = local - begin_;
        return std::chrono::steady_clock::time_point(local - scaled(since, drift_ / (1 + drift_)));
    }

private:
    static duration scaled(duration of, double by) {
        return duration(std::llround(static_cast<double>(of.count()) * by));
    }

    double drift_;
    instant begin_;
};

} // namespace stadion::clocksync
