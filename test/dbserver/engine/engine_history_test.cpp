// Reversals, and the histories that they read.
#include "test/support/campaign_store.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;

// Opening a history blocks until the test releases it.
class slow_histories final : public files {
public:
    std::error_code open(const std::string& path, open_mode mode, std::unique_ptr<file>& opened) override {
        if (mode == open_mode::read && path.find("/history/") != std::string::npos) {
            if (!is_reading.exchange(true)) reached.set_value();
            go_on.wait();
        }
        return below.open(path, mode, opened);
    }
    std::error_code rename(const std::string& from, const std::string& to) override {
        return below.rename(from, to);
    }
    std::error_code exchange(const std::string& one, const std::string& other) override {
        return below.exchange(one, other);
    }
    std::error_code remove(const std::string& path) override { return below.remove(path); }
    std::error_code make_directory(const std::string& path) override { return below.make_directory(path); }
    std::error_code sync_directory(const std::string& path) override { return below.sync_directory(path); }
    std::error_code list(const std::string& path, std::vector<std::string>& names) override {
        return below.list(path, names);
    }
    std::error_code free_bytes(const std::string& path, std::uint64_t& bytes) override {
        return below.free_bytes(path, bytes);
    }

    faulty_files below;
    std::atomic<bool> is_reading{false};
    std::promise<void> reached, released;
    std::shared_future<void> go_on = released.get_future().share();
};

class reversals : public ::testing::Test {
public:
    manual_clock clock;
};

TEST_F(reversals, keep_no_update_waiting_while_they_read) {
    auto disk = std::make_shared<slow_histories>();
    json_store opened(campaign_options(disk, clock));
    const outcome wrong = commit_and_wait(opened, add_medal("gauls", "gold"));
    commit_and_wait(opened, add_medal("gauls", "silver"));
    opened.checkpoint_now();
    std::promise<outcome> undone;
    opened.commit({make_reversal(wrong.sequence, "a mistake")},
                  [&](std::vector<outcome> all) { undone.set_value(std::move(all.front())); });
    disk->reached.get_future().wait();
    EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "bronze")).result, v1::Outcome::APPLIED);
    EXPECT_EQ(commit_and_wait(opened, set_points("hockey", {{"A", 1}})).result, v1::Outcome::APPLIED);
    disk->released.set_value();
    const outcome done = undone.get_future().get();
    ASSERT_EQ(done.result, v1::Outcome::APPLIED);
    EXPECT_EQ(done.state->tally()->gold(), 0u);
    EXPECT_EQ(done.state->tally()->silver(), 1u);
    EXPECT_EQ(done.state->tally()->bronze(), 1u);
}

TEST_F(reversals, of_a_commit_that_never_was_read_nothing) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    for (int i = 0; i < 20; ++i) commit_and_wait(opened, add_medal("team " + std::to_string(i), "gold"));
    opened.checkpoint_now();
    const std::uint64_t before = disk->calls();
    for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{21}, UINT64_MAX})
        EXPECT_EQ(commit_and_wait(opened, make_reversal(sequence, "")).failure->code,
                  wire::status::not_found);
    EXPECT_EQ(disk->calls(), before);
}

TEST_F(reversals, of_an_old_commit_read_one_history_and_not_all) {
    auto disk = std::make_shared<faulty_files>();
    json_store_options how = campaign_options(disk, clock);
    how.engine.retained_events_max = 4;
    constexpr int teams = 200;
    const auto live = [&](json_store& opened) {
        const std::uint64_t before = disk->calls();
        const outcome undone = commit_and_wait(opened, make_reversal(17, "a mistake"));
        ASSERT_EQ(undone.result, v1::Outcome::APPLIED);
        EXPECT_EQ(undone.state->table(), "teams/team 16");
        EXPECT_EQ(undone.state->tally()->gold(), 0u);
        EXPECT_LT(disk->calls() - before, 30u); // some of them to bisect the index
        EXPECT_EQ(commit_and_wait(opened, make_reversal(undone.sequence, "it was none")).result,
                  v1::Outcome::APPLIED);
    };
    {
        json_store opened(how);
        for (int i = 0; i < teams; ++i) {
            commit_and_wait(opened, add_medal("team " + std::to_string(i), "gold"));
            if (i == teams / 2) opened.checkpoint_now();
        }
        commit_and_wait(opened, make_freeze(true));
        commit_and_wait(opened, make_freeze(false));
        for (int i = 0; i < 5; ++i) commit_and_wait(opened, add_medal("late", "gold"));
        opened.checkpoint_now();
        EXPECT_EQ(commit_and_wait(opened, make_reversal(teams + 1, "no update")).failure->code,
                  wire::status::not_found);
        live(opened);
    }
    json_store again(how);
    for (int i = 0; i < 5; ++i) commit_and_wait(again, add_medal("late", "gold"));
    live(again);
}

TEST_F(reversals, in_the_middle_of_a_request_leave_its_other_mutations_in_order) {
    json_store opened(campaign_options(std::make_shared<faulty_files>(), clock));
    const outcome first = commit_and_wait(opened, add_medal("gauls", "gold"));
    std::promise<std::vector<outcome>> done;
    opened.commit({add_medal("gauls", "gold"), make_reversal(first.sequence, "a mistake"),
                   expecting(3, add_medal("gauls", "silver")), expecting(9, add_medal("gauls", "silver"))},
                  [&](std::vector<outcome> all) { done.set_value(std::move(all)); });
    const auto all = done.get_future().get();
    EXPECT_EQ(all[0].state->version(), 2u);
    EXPECT_EQ(all[1].state->tally()->gold(), 1u);
    EXPECT_EQ(all[2].result, v1::Outcome::APPLIED);
    EXPECT_EQ(all[3].result, v1::Outcome::CONFLICT);
}

} // namespace
} // namespace stadion::dbserver
