#include "clocksync/clock/cluster_clock.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

namespace stadion::clocksync {

std::string_view to_string(clock_state state) {
    constexpr std::array<std::string_view, 4> names{"UNSYNCHRONISED", "SYNCHRONISED", "HOLDOVER", "UNSURE"};
    return names[static_cast<std::size_t>(state)];
}

std::int64_t clock_line::target_at(instant local) const {
    const std::int64_t elapsed = (local - origin).count();
    return target + elapsed + std::llround(static_cast<double>(elapsed) * rate);
}

std::int64_t clock_line::still_ahead_at(instant local) const {
    const auto worked_off =
        static_cast<std::int64_t>(static_cast<double>((local - origin).count()) * slew_limit);
    if (std::abs(ahead) <= worked_off) return 0;
    return ahead > 0 ? ahead - worked_off : ahead + worked_off;
}

std::int64_t clock_line::reading_at(instant local) const { return target_at(local) + still_ahead_at(local); }

duration clock_line::error_at(instant local) const {
    const auto age = static_cast<double>(std::abs((local - measured).count()));
    return bound + duration(std::abs(still_ahead_at(local))) +
           duration(static_cast<std::int64_t>(std::ceil(age * drift_bound)));
}

clock_state clock_line::state_at(instant local) const {
    if (!synchronised) return clock_state::unsynchronised;
    if (error_at(local) > limit) return clock_state::unsure;
    return local >= holdover_at ? clock_state::holdover : clock_state::synchronised;
}

cluster_clock::cluster_clock(clock_settings settings, instant now, std::int64_t system_time)
    : settings_(settings) {
    line_.origin = now;
    line_.target = system_time;
    line_.limit = settings.limit;
}

void cluster_clock::begin_service() { serving_ = true; }

void cluster_clock::note_epoch(epoch_number epoch) {
    if (epoch <= epoch_) return;
    epoch_ = epoch;
    round_ = 0;
}

void cluster_clock::exclude() { line_.synchronised = false; }

bool cluster_clock::correct(instant now, const clock_correction& correction) {
    if (settings_.bug != planted_bug::clock_accepts_stale_epoch) {
        if (correction.epoch < epoch_ || (correction.epoch == epoch_ && correction.round <= round_))
            return false;
    }
    note_epoch(correction.epoch);
    round_ = correction.round;

    const std::int64_t reading = line_.reading_at(now);
    const std::int64_t unfinished = line_.still_ahead_at(now);
    clock_line next = line_;
    next.origin = correction.at;
    next.target = correction.target;
    next.rate = correction.rate;
    next.ahead = 0;
    next.target = next.target_at(now);
    next.origin = now;
    const bool slews = serving_ && settings_.bug != planted_bug::clock_steps_in_service;
    next.ahead = slews ? reading - next.target : 0;
    if (settings_.bug == planted_bug::clock_slews_too_fast) next.ahead /= 2;
    if (settings_.bug == planted_bug::clock_corrects_twice) {
        next.target -= unfinished;
        next.ahead += slews ? unfinished : 0;
    }
    next.measured = correction.measured;
    next.bound = correction.bound;
    next.drift_bound = settings_.bug == planted_bug::clock_bound_without_age ? 0 : correction.drift_bound;
    next.holdover_at = now + settings_.holdover_after;
    next.synchronised = true;
    line_ = next;
    return true;
}

} // namespace stadion::clocksync
