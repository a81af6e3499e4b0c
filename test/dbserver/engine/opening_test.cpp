// What opening a data directory does to files that it did not make.
#include "dbserver/engine/json_store.hpp"
#include "dbserver/journal/damage.hpp"
#include "net/os/small_file.hpp"
#include "test/support/campaign_store.hpp"
#include "test/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;
namespace fs = std::filesystem;

class opening_a_directory : public ::testing::Test {
public:
    json_store_options options() {
        json_store_options how;
        how.directory = root.string();
        how.segment_bytes = 1 << 16;
        how.maintain = false;
        how.engine.clock = clock.function();
        return how;
    }
    void write(const std::string& below) {
        fs::create_directories((root / below).parent_path());
        std::ofstream(root / below) << "something";
    }

    temporary_directory directory;
    fs::path root = fs::path(directory.path()) / "data";
    manual_clock clock;
};

TEST_F(opening_a_directory, leaves_other_programs_files_alone) {
    {
        json_store first(options());
        commit_and_wait(first, set_points("hockey", {{"gauls", 1}}));
    }
    const std::string others[] = {"dispatcher.json.new", "dispatcher.json", "notes.new",
                                  "tables/games/mine.new", "tables/teams/list.json.new"};
    for (const auto& name : others) write(name);
    json_store again(options());
    for (const auto& name : others) EXPECT_TRUE(fs::exists(root / name)) << name;
}

TEST_F(opening_a_directory, a_game_larger_than_is_allowed_now_stays_readable_and_can_be_made_smaller) {
    json_store_options roomy = options();
    roomy.engine.within.game_bytes_max = 1 << 20;
    const std::map<std::string, std::int32_t> large{{std::string(100, 'x'), 1}, {std::string(100, 'y'), 2}};
    {
        json_store opened(roomy);
        commit_and_wait(opened, set_points("g", large));
        opened.checkpoint_now();
        commit_and_wait(opened, set_points("g", {{"A", 1}}));
    }
    json_store_options narrow = options();
    narrow.engine.within.game_bytes_max = 200;
    json_store opened(narrow);
    const store& reader = opened;
    ASSERT_TRUE(reader.load("games/g"));
    EXPECT_EQ(reader.history("games/g")->size(), 2u);
    EXPECT_EQ(commit_and_wait(opened, set_points("g", {{"A", 2}})).failure->code,
              wire::status::resource_exhausted);
    v1::Mutation smaller;
    smaller.mutable_replace_score()->set_game("g");
    EXPECT_EQ(commit_and_wait(opened, smaller).result, v1::Outcome::APPLIED);
}

TEST_F(opening_a_directory, that_has_a_checkpoint_is_not_taken_for_bare_table_files) {
    {
        json_store first(options());
        commit_and_wait(first, set_points("hockey", {{"gauls", 1}}));
    }
    std::ofstream(root / "FORMAT") << "1\n";
    EXPECT_THROW(json_store again(options()), store_damaged);
}

TEST_F(opening_a_directory, removes_what_an_unfinished_checkpoint_left) {
    { json_store first(options()); }
    const std::string own[] = {"FORMAT.new", "checkpoint.jsonl.new", "tables/games/hockey.json.17.new",
                               "tables/teams/gauls.json.1.new"};
    for (const auto& name : own) write(name);
    json_store again(options());
    for (const auto& name : own) EXPECT_FALSE(fs::exists(root / name)) << name;
}

// As a dispatcher does, which writes its state file while the database server that it started opens its
// store.
TEST_F(opening_a_directory, never_disturbs_who_replaces_a_file_in_it) {
    fs::create_directories(root);
    std::atomic<bool> is_done = false;
    std::atomic<int> replaced = 0;
    std::string failure;
    std::thread other([&] {
        while (!is_done && failure.empty()) {
            const auto written = net::replace_small_file(root / "dispatcher.json", "{}");
            if (!written) failure = written.error().message;
            ++replaced;
        }
    });
    for (int round = 0; round < 20 || replaced < 20; ++round) json_store opened(options());
    is_done = true;
    other.join();
    EXPECT_EQ(failure, "");
}

} // namespace
} // namespace stadion::dbserver
