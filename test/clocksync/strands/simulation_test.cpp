// The campaign: thousands of seeded fleets, and each planted bug found by it.
#include "test/support/simulator.hpp"

#include <gtest/gtest.h>

namespace stadion::support {
namespace {

#ifdef STADION_SANITIZED
constexpr std::uint64_t seeds_of_a_block = 50;
constexpr std::uint64_t seeds_for_a_bug = 0; // the release build shows what the campaign can see
#else
constexpr std::uint64_t seeds_of_a_block = 1000;
constexpr std::uint64_t seeds_for_a_bug = 10'000;
#endif
constexpr std::uint64_t blocks = 10;

class seeds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(seeds, show_no_violation) {
    const std::uint64_t first = GetParam() * seeds_of_a_block + 1;
    std::uint64_t delivered = 0, elections = 0;
    for (std::uint64_t seed = first; seed < first + seeds_of_a_block; ++seed) {
        simulation_options options;
        options.seed = seed;
        const simulation_result result = simulate(options);
        ASSERT_FALSE(result.violation)
            << *result.violation << "\nreplay: simulate_strands --seed " << seed << " --trace";
        delivered += result.delivered;
        elections += result.elections;
    }
    EXPECT_GT(delivered, 10 * seeds_of_a_block); // the storms leave something to assert about
    EXPECT_GE(elections, seeds_of_a_block);
}

INSTANTIATE_TEST_SUITE_P(blocks, seeds, testing::Range<std::uint64_t>(0, blocks));

TEST(simulator, repeats_a_seed_step_by_step) {
    const auto transcript = [] {
        std::string all;
        simulation_options options;
        options.seed = 42;
        options.trace = [&all](trace_topic, std::string_view line) { (all += line) += '\n'; };
        simulate(options);
        return all;
    };
    EXPECT_EQ(transcript(), transcript());
}

class planted : public testing::TestWithParam<clocksync::planted_bug> {};

TEST_P(planted, is_found) {
    for (std::uint64_t seed = 1; seed <= seeds_for_a_bug; ++seed) {
        simulation_options options;
        options.seed = seed;
        options.bug = GetParam();
        if (simulate(options).violation) return;
    }
    if (seeds_for_a_bug < 10'000)
        GTEST_SKIP() << "left to the release build: some bugs take minutes to be met";
    FAIL() << "the bug was not noticed in 10,000 seeds";
}

INSTANTIATE_TEST_SUITE_P(bugs, planted, testing::ValuesIn(all_planted_bugs()),
                         [](const auto& bug) { return std::string(name_of(bug.param)); });

} // namespace
} // namespace stadion::support
