// How busy this process keeps the machine: the share of all cores it has used since it was last asked.
#pragma once

#include <chrono>

namespace stadion::net {

class process_load {
public:
    process_load();

    // 0 … 1; since the construction the first time. Moments that follow too closely get the last answer.
    double sample();

private:
    std::chrono::steady_clock::time_point at_;
    std::chrono::microseconds used_;
    double last_ = 0;
};

} // namespace stadion::net
