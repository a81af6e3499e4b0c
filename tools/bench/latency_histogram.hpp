// Durations in buckets of constant relative width, so that percentiles from nanoseconds to minutes are right
// to within 1/64, in 30 kilobytes (the layout of Gil Tene's HdrHistogram). Recording takes a few
// instructions.
//
// Each power of two is cut into 64 buckets: a value v >= 64 with its highest bit at position e is in bucket
// (e - 5) * 64 + (v >> (e - 6)) - 64; smaller values have a bucket each. Pure; not for several threads at
// once.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace stadion::tools {

class latency_histogram {
public:
    void record(std::chrono::nanoseconds value, std::uint64_t times = 1) noexcept {
        counts_[bucket_of(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count()))] += times;
        count_ += times;
    }

    void merge(const latency_histogram& other) noexcept;

    std::uint64_t count() const noexcept { return count_; }

    // The smallest duration that `percent` of all are not above, as the upper end of its bucket; 0 when
    // empty.
    std::chrono::nanoseconds percentile(double percent) const noexcept;

    static constexpr std::size_t sub_buckets = 64;
    static constexpr std::size_t buckets = (64 - 5) * sub_buckets;
    static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value < sub_buckets) return value;
        const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
        return (exponent - 5) * sub_buckets + (value >> (exponent - 6)) - sub_buckets;
    }
    // The largest value of a bucket.
    static constexpr std::uint64_t upper_end(std::size_t bucket) noexcept {
        if (bucket < sub_buckets) return bucket;
        const auto exponent = static_cast<unsigned>(bucket / sub_buckets) + 5;
        const auto step = std::uint64_t{1} << (exponent - 6);
        return (std::uint64_t{1} << exponent) + (bucket % sub_buckets + 1) * step - 1;
    }

private:
    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
};

} // namespace stadion::tools
