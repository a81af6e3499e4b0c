// A share of the durability campaign (test/bench/store_durability runs the whole of it).
#include "test/support/store_campaign.hpp"

#include <gtest/gtest.h>

namespace stadion::test {
namespace {

#ifdef STADION_SANITIZED
constexpr std::uint64_t share = 8;
#else
constexpr std::uint64_t share = 1;
#endif

TEST(store_crash, every_crash_point_of_random_workloads_keeps_what_was_acknowledged_exactly_once) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 24 / share && figures.broken_promises == 0; ++seed)
        try_crashes(seed, 4, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
    EXPECT_GT(figures.crash_states, 1000u / share);
}

TEST(store_crash, a_failed_call_at_any_place_and_of_any_kind_keeps_the_promise) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= (share == 1 ? 3 : 1) && figures.broken_promises == 0; ++seed)
        try_failed_calls(seed, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
    EXPECT_GT(figures.failed_calls, 500u);
}

TEST(store_crash, no_changed_byte_goes_unnoticed) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 40 / share; ++seed) try_damage(seed, 50, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
}

TEST(store_crash, concurrent_histories_are_linearizable) {
    campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= 80 / share; ++seed) try_concurrency(seed, 500, figures);
    EXPECT_EQ(figures.broken_promises, 0u) << figures.first_broken;
}

} // namespace
} // namespace stadion::test
