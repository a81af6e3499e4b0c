#include "clocksync/raffle/raffle.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace stadion::clocksync {
namespace {

raffle_settings every(std::uint32_t n) {
    raffle_settings settings;
    settings.every = n;
    return settings;
}

std::vector<raffle_draw> count(raffle& r, server_id server, std::string client, std::uint64_t first,
                               std::uint64_t requests) {
    return r.deliver(server, encode_runs({{server, std::move(client), first, requests}}));
}

TEST(raffle, draws_every_nth_request_also_within_one_run) {
    raffle r(every(10));
    EXPECT_TRUE(count(r, 1, "asterix", 1, 9).empty());
    const auto draws = count(r, 2, "obelix", 5, 21);
    ASSERT_EQ(draws.size(), 3u);
    EXPECT_EQ(draws[0].request, 10u);
    EXPECT_EQ(draws[0].client_request, 5u);
    EXPECT_EQ(draws[2].number, 3u);
    EXPECT_EQ(draws[2].client_request, 25u);
    EXPECT_EQ(draws[2].server, 2u);
    EXPECT_EQ(draws[2].hash, r.hash());
    EXPECT_EQ(r.requests(), 30u);
}

TEST(raffle, counts_a_request_once_whichever_server_repeats_it) {
    raffle r(every(10));
    count(r, 1, "asterix", 1, 5);
    count(r, 2, "asterix", 3, 5); // 3, 4, 5 again
    EXPECT_EQ(r.requests(), 7u);
    count(r, 1, "asterix", 10, 2);
    count(r, 3, "asterix", 1, 20); // all but what is known
    EXPECT_EQ(r.requests(), 20u);
    const std::string before = r.hash();
    count(r, 1, "asterix", 1, 20);
    EXPECT_EQ(r.hash(), before);
    EXPECT_EQ(r.next_request("asterix"), 21u);
    EXPECT_EQ(r.next_request("nobody"), 1u);
}

TEST(raffle, bounds_the_gaps_it_remembers) {
    raffle_settings settings = every(1000);
    settings.gaps_max = 2;
    raffle r(settings);
    for (const std::uint64_t request : {1, 3, 5, 7}) count(r, 1, "idefix", request, 1);
    EXPECT_EQ(r.requests(), 4u);
    count(r, 1, "idefix", 2, 1); // its gap was given up
    EXPECT_EQ(r.requests(), 4u);
    count(r, 1, "idefix", 6, 1); // this one is still known
    EXPECT_EQ(r.requests(), 5u);
}

TEST(raffle, forgets_the_least_recently_counted_client_first) {
    raffle_settings settings = every(1000);
    settings.clients_max = 2;
    raffle r(settings);
    count(r, 1, "a", 1, 1);
    count(r, 1, "b", 1, 1);
    count(r, 1, "a", 2, 1);
    count(r, 1, "c", 1, 1); // forgets b
    EXPECT_EQ(r.next_request("a"), 3u);
    EXPECT_EQ(r.next_request("b"), 1u);
}

TEST(raffle, ignores_what_is_malformed) {
    raffle r(every(2));
    for (const std::string& message : {std::string("\x05oops"), std::string(20, '\xff')})
        EXPECT_TRUE(r.deliver(1, message).empty());
    EXPECT_EQ(r.requests(), 0u);
}

TEST(raffle, leaves_out_runs_that_cannot_be_and_counts_the_others) {
    raffle r(every(2));
    constexpr std::uint64_t highest = ~std::uint64_t{0};
    r.deliver(1, encode_runs({{0, "bad", highest, 1},
                              {0, "honest", 1, 3},
                              {0, "bad", 5, 0},
                              {0, "bad", request_max, 2},
                              {0, "bad", 1, highest},
                              {0, "honest", 4, 2}}));
    EXPECT_EQ(r.requests(), 5u);
    EXPECT_EQ(r.next_request("honest"), 6u);
    r.deliver(1, encode_runs({{0, "bad", request_max, 1}}));
    EXPECT_EQ(r.requests(), 6u);
}

TEST(raffle, is_restored_by_a_newcomer) {
    raffle_settings settings = every(3);
    settings.clients_max = 3;
    raffle original(settings);
    for (std::uint64_t i = 0; i < 20; ++i)
        count(original, 1 + i % 3, std::string(1, static_cast<char>('a' + i % 4)), i, 2);
    raffle newcomer(settings);
    ASSERT_TRUE(newcomer.restore(original.save()));
    EXPECT_EQ(newcomer.save(), original.save());
    for (raffle* r : {&original, &newcomer}) count(*r, 2, "d", 1, 50);
    EXPECT_EQ(newcomer.hash(), original.hash());
    EXPECT_EQ(newcomer.draws(), original.draws());
    EXPECT_TRUE(verify_record(newcomer.record()));
}

TEST(raffle, refuses_a_broken_snapshot_and_stays_as_it_is) {
    raffle r(every(3));
    count(r, 1, "a", 1, 5);
    const std::string whole = r.save();
    for (std::size_t length = 1; length < whole.size(); ++length)
        EXPECT_FALSE(r.restore(whole.substr(0, length)));
    EXPECT_EQ(r.save(), whole);
}

class raffle_record : public testing::Test {
protected:
    void SetUp() override {
        for (std::uint64_t i = 0; i < 30; ++i)
            count(raffle_, 1 + i % 3, "Côté " + std::to_string(i % 4), 1 + i, 3);
        record_ = raffle_.record();
    }
    raffle raffle_{every(7)};
    std::string record_;
};

TEST_F(raffle_record, verifies) {
    const auto summary = verify_record(record_);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->requests, raffle_.requests());
    EXPECT_EQ(summary->draws, raffle_.draws().size());
    EXPECT_EQ(summary->hash, raffle_.hash());
}

TEST_F(raffle_record, does_not_verify_with_any_line_missing_or_changed) {
    std::size_t begin = 0;
    while (begin < record_.size()) {
        const std::size_t end = record_.find('\n', begin) + 1;
        std::string without = record_;
        without.erase(begin, end - begin);
        EXPECT_FALSE(verify_record(without)) << record_.substr(begin, end - begin);
        std::string changed = record_;
        const std::size_t digit = changed.find_first_of("123456789", begin);
        changed[digit] = changed[digit] == '9' ? '8' : static_cast<char>(changed[digit] + 1);
        EXPECT_FALSE(verify_record(changed)) << record_.substr(begin, end - begin);
        begin = end;
    }
}

TEST_F(raffle_record, stays_verifiable_when_its_beginning_is_forgotten) {
    raffle_settings settings = every(7);
    settings.runs_kept = 5;
    settings.draws_kept = 2;
    raffle r(settings);
    for (std::uint64_t i = 0; i < 100; ++i) count(r, 1, "a", 1 + 10 * i, 10);
    EXPECT_EQ(r.draws().size(), 2u);
    const auto summary = verify_record(r.record());
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->requests, 1000u);
    EXPECT_GT(summary->first_request, 0u);
}

// The ten lines of another language that the README promises.
TEST_F(raffle_record, is_verified_by_ten_lines_of_python) {
    if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
    const auto file =
        std::filesystem::temp_directory_path() / ("raffle-" + std::to_string(::getpid()) + ".ndjson");
    std::ofstream(file) << record_;
    const std::string script = std::string(STADION_SOURCE_DIR) + "/test/clocksync/verify_raffle.py";
    EXPECT_EQ(std::system(("python3 " + script + " " + file.string()).c_str()), 0);
    std::string changed = record_;
    changed[changed.find("\"count\":3") + 8] = '2';
    std::ofstream(file) << changed;
    EXPECT_NE(std::system(("python3 " + script + " " + file.string() + " 2>/dev/null").c_str()), 0);
    std::filesystem::remove(file);
}

} // namespace
} // namespace stadion::clocksync
