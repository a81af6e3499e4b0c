#include "tools/bench/latency_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace stadion::tools {

void latency_histogram::merge(const latency_histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
}

std::chrono::nanoseconds latency_histogram::percentile(double percent) const noexcept {
    if (count_ == 0) return std::chrono::nanoseconds{0};
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen >= wanted) return std::chrono::nanoseconds(upper_end(i));
    }
    return std::chrono::nanoseconds(upper_end(buckets - 1));
}

} // namespace stadion::tools
