#include "balancer/restart_policy.hpp"

#include <algorithm>

namespace stadion::balancer {

restart_policy::decision restart_policy::died(time_point started_at, time_point now) {
    if (now - started_at >= settings_.stable_after) {
        early_deaths_ = 0;
        return {};
    }
    ++early_deaths_;
    auto delay = std::min(settings_.delay_first, settings_.delay_max);
    for (unsigned death = 1; death < early_deaths_ && delay < settings_.delay_max; ++death)
        delay = std::min(delay * 2, settings_.delay_max);
    return {delay, early_deaths_, early_deaths_ >= settings_.crash_loop_after};
}

} // namespace stadion::balancer
