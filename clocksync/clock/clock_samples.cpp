#include "clocksync/clock/clock_samples.hpp"

#include <algorithm>
#include <cmath>

namespace stadion::clocksync {
namespace {

double nanoseconds_of(duration d) { return static_cast<double>(d.count()); }

} // namespace

void clock_burst::add(instant sent, instant their_received, instant their_sent, instant received) {
    const duration there = their_received - sent;
    const duration back = received - their_sent;
    there_ = count_ == 0 ? there : std::min(there_, there);
    back_ = count_ == 0 ? back : std::min(back_, back);
    if (count_ == 0) first_ = sent;
    last_ = received;
    ++count_;
}

std::optional<clock_sample> clock_burst::sample(double drift) const {
    if (count_ == 0) return std::nullopt;
    const duration moved(static_cast<std::int64_t>(nanoseconds_of(last_ - first_) * drift) + 1);
    return clock_sample{first_ + (last_ - first_) / 2, (there_ - back_) / 2, (there_ + back_) / 2 + moved};
}

void clock_samples::add(const clock_sample& sample) {
    if (!samples_.empty()) {
        const clock_sample& last = samples_.back();
        const double apart = std::abs(nanoseconds_of(sample.middle - last.middle));
        const double possible = nanoseconds_of(sample.half_width + last.half_width) +
                                nanoseconds_of(sample.at - last.at) * 2 * drift_max_;
        if (apart > possible || sample.at <= last.at) samples_.clear();
    }
    samples_.push_back(sample);
    if (samples_.size() > kept) samples_.pop_front();
}

// Each pair of samples bounds the slope.
clock_samples::rate_interval clock_samples::possible_rates() const {
    rate_interval possible{-2 * drift_max_, 2 * drift_max_};
    for (std::size_t i = 0; i < samples_.size(); ++i) {
        for (std::size_t j = i + 1; j < samples_.size(); ++j) {
            const double apart = nanoseconds_of(samples_[j].at - samples_[i].at);
            const double rise = nanoseconds_of(samples_[j].middle - samples_[i].middle);
            const double play = nanoseconds_of(samples_[j].half_width + samples_[i].half_width);
            possible.low = std::max(possible.low, (rise - play) / apart);
            possible.high = std::min(possible.high, (rise + play) / apart);
        }
    }
    return possible;
}

clock_samples::line clock_samples::fit() const {
    const clock_sample& last = samples_.back();
    duration narrowest = last.half_width;
    for (const clock_sample& s : samples_) narrowest = std::min(narrowest, s.half_width);

    double weights = 0, mean_x = 0, mean_y = 0;
    const auto weight_of = [&](const clock_sample& s) {
        const double spread = 1000 + nanoseconds_of(s.half_width - narrowest);
        return 1e6 / (spread * spread);
    };
    for (const clock_sample& s : samples_) {
        const double w = weight_of(s);
        weights += w;
        mean_x += w * nanoseconds_of(s.at - last.at);
        mean_y += w * nanoseconds_of(s.middle - last.middle);
    }
    mean_x /= weights;
    mean_y /= weights;
    double xx = 0, xy = 0;
    for (const clock_sample& s : samples_) {
        const double w = weight_of(s);
        const double x = nanoseconds_of(s.at - last.at) - mean_x;
        xx += w * x * x;
        xy += w * x * (nanoseconds_of(s.middle - last.middle) - mean_y);
    }

    line fitted;
    fitted.at = last.at;
    const rate_interval possible = possible_rates();
    if (samples_.size() >= 4 && xx > 0) {
        const double slope = std::clamp(xy / xx, possible.low, std::max(possible.low, possible.high));
        double residual = 0;
        for (const clock_sample& s : samples_) {
            const double miss = nanoseconds_of(s.middle - last.middle) - mean_y -
                                slope * (nanoseconds_of(s.at - last.at) - mean_x);
            residual += weight_of(s) * miss * miss;
        }
        const double spread = std::sqrt(residual / static_cast<double>(samples_.size()) / xx);
        fitted.rate_known = spread < drift_max_ / 4; // else noise dominates the slope
        if (fitted.rate_known) fitted.rate = slope;
    }
    fitted.rate_error = std::max(possible.high - fitted.rate, fitted.rate - possible.low);
    const double last_middle = nanoseconds_of(last.middle);
    const double correction = fitted.rate_known ? mean_y - fitted.rate * mean_x : 0;
    fitted.offset_ns = last_middle + correction;
    fitted.bound = last.half_width + duration(static_cast<std::int64_t>(std::abs(correction)) + 1);
    return fitted;
}

} // namespace stadion::clocksync
