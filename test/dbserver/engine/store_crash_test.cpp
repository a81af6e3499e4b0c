// A part of the durability campaign; test/bench/store_durability runs all of it.
#include "test/support/store_campaign.hpp"

#include <gtest/gtest.h>

namespace stadion::test {
namespace {

#ifdef STADION_SANITIZED
constexpr std::uint64_t share = 4;
#else
constexpr std::uint64_t share = 1;
#endif

TEST(crash_states, with_the_same_names_and_contents_are_one) {
    using kind = disk_change::kind;
    simulated_disk one, other;
    const auto apply = [](simulated_disk& to, kind what, const char* path, std::uint64_t inode,
                          std::string bytes = {}) {
        to.apply({.what = what, .path = path, .inode = inode, .bytes = std::move(bytes)});
    };
    apply(one, kind::create, "/data/a", 1);
    apply(one, kind::write, "/data/a", 1, "hockey");
    apply(other, kind::create, "/data/a", 7);
    EXPECT_NE(one.fingerprint(), other.fingerprint());
    apply(other, kind::write, "/data/a", 7, "hockey");
    EXPECT_EQ(one.fingerprint(), other.fingerprint());
    apply(other, kind::create, "/data/b", 8);
    EXPECT_NE(one.fingerprint(), other.fingerprint()) << "an empty file more";
}

// Separate tests, so that they run in parallel.
class every_crash_point : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(every_crash_point, of_random_workloads_keeps_what_was_acknowledged_exactly_once) {
    campaign_figures figures;
    for (std::uint64_t seed = 4 * GetParam();
         seed < 4 * GetParam() + 4 / share && figures.broken_promises == 0; ++seed)
        try_crashes(seed, 4, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
    EXPECT_GT(figures.crash_states, 100u);
    EXPECT_LE(figures.distinct_crash_states.size(), figures.crash_states);
    EXPECT_GT(figures.distinct_crash_states.size(), 50u) << "many are the same disk again";
}

INSTANTIATE_TEST_SUITE_P(store_crash, every_crash_point, ::testing::Range<std::uint64_t>(1, 7));

class every_failed_call : public ::testing::TestWithParam<fault> {};

TEST_P(every_failed_call, keeps_the_promise) {
    campaign_figures figures;
    try_failed_calls(1, figures, GetParam());
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
    EXPECT_GT(figures.failed_calls, 100u);
}

INSTANTIATE_TEST_SUITE_P(store_crash, every_failed_call, ::testing::ValuesIn(every_fault));

TEST(store_crash, a_crash_after_a_fault_that_was_survived_keeps_the_promise) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 60 / share && figures.broken_promises == 0; seed += 10)
        try_survived_faults(1000 * seed, 10, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
    EXPECT_GT(figures.crash_states, 100u);
}

TEST(store_crash, no_changed_byte_goes_unnoticed) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 12 / share; ++seed) try_damage(seed, 80, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
}

TEST(store_crash, concurrent_histories_are_linearizable) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 40 / share; ++seed) try_concurrency(seed, 500, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
}

} // namespace
} // namespace stadion::test
