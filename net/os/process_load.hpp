// The processor time of this process, as a share of all cores since the last sample.
#pragma once

#include <chrono>

namespace stadion::net {

class process_load {
public:
    process_load();

    // 0 … 1; the first time since the construction. Within 0.1 s of a sample, the same value again.
    double sample();

private:
    std::chrono::steady_clock::time_point at_;
    std::chrono::microseconds used_;
    double last_ = 0;
};

} // namespace stadion::net
