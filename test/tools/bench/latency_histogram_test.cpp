#include "tools/bench/latency_histogram.hpp"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;

TEST(latency_histogram, buckets_follow_each_other_without_a_gap) {
    std::uint64_t next = 0;
    for (std::size_t bucket = 0; bucket < 40 * latency_histogram::sub_buckets; ++bucket) {
        EXPECT_EQ(latency_histogram::bucket_of(next), bucket) << next;
        EXPECT_EQ(latency_histogram::bucket_of(latency_histogram::upper_end(bucket)), bucket) << bucket;
        next = latency_histogram::upper_end(bucket) + 1;
    }
}

TEST(latency_histogram, the_largest_value_has_a_bucket) {
    EXPECT_LT(latency_histogram::bucket_of(~std::uint64_t{0}), latency_histogram::buckets);
    EXPECT_EQ(latency_histogram::upper_end(latency_histogram::bucket_of(~std::uint64_t{0})),
              ~std::uint64_t{0});
}

TEST(latency_histogram, percentiles_are_right_to_within_a_64th) {
    latency_histogram all;
    for (int i = 1; i <= 100'000; ++i) all.record(std::chrono::microseconds(i));
    for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const double exact = percent * 1e6;
        const auto found = static_cast<double>(all.percentile(percent).count());
        EXPECT_GE(found, exact - 1) << percent;
        EXPECT_LE(found, exact * (1 + 1.0 / 64) + 1) << percent;
    }
}

TEST(latency_histogram, one_outlier_in_a_hundred_is_beyond_the_99th) {
    latency_histogram all;
    all.record(1us, 99);
    all.record(1s);
    EXPECT_LT(all.percentile(99), 2us);
    EXPECT_GE(all.percentile(99.1), 1s);
}

TEST(latency_histogram, merging_is_recording_together) {
    latency_histogram one, other, both;
    for (int i = 0; i < 1000; ++i) {
        ((i % 3 == 0) ? one : other).record(std::chrono::nanoseconds(i * i));
        both.record(std::chrono::nanoseconds(i * i));
    }
    one.merge(other);
    EXPECT_EQ(one.count(), both.count());
    for (const double percent : {0.0, 10.0, 50.0, 99.0})
        EXPECT_EQ(one.percentile(percent), both.percentile(percent));
}

TEST(latency_histogram, nothing_recorded_is_zero) { EXPECT_EQ(latency_histogram().percentile(50), 0ns); }

} // namespace
} // namespace stadion::tools
