// When a child that has died is started again.
//
// A child that had run for `stable_after` is started at once, since its clients wait. One that dies earlier
// is started after a delay that doubles from `delay_first` to `delay_max`. The policy never gives up, because
// the cause may go away (a full disk, a port still taken). After `crash_loop_after` early deaths in a row it
// reports a crash loop, so that an operator looks.
//
// One policy per child. Threading: none. No jitter: one supervisor starts few children.
#pragma once

#include "balancer/member.hpp"

namespace stadion::balancer {

struct restart_settings {
    std::chrono::milliseconds delay_first{100};
    std::chrono::milliseconds delay_max{10'000};
    std::chrono::milliseconds stable_after{10'000};
    unsigned crash_loop_after = 5;
};

class restart_policy {
public:
    struct decision {
        std::chrono::milliseconds delay{0};
        unsigned early_deaths = 0; // in a row, this one included
        bool crash_loop = false;
    };

    explicit restart_policy(restart_settings settings = {}) : settings_(settings) {}

    // The child started at `started_at` has died.
    decision died(time_point started_at, time_point now);

private:
    restart_settings settings_;
    unsigned early_deaths_ = 0;
};

} // namespace stadion::balancer
