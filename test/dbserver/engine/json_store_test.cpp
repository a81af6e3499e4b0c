// What the JSON-file engine does beyond the interface: its files, its lock, how it reports damage, and how it
// continues after a failure of the disk.
#include "dbserver/engine/json_store.hpp"
#include "dbserver/journal/damage.hpp"
#include "dbserver/table/state_json.hpp"
#include "test/support/campaign_store.hpp"
#include "test/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <future>

#include <unistd.h>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;
using ::testing::HasSubstr;

class json_store_on_disk : public ::testing::Test {
public:
    json_store_options options() {
        json_store_options how;
        how.directory = directory.path() + "/data";
        how.segment_bytes = 1 << 16;
        how.maintain = false;
        how.engine.clock = clock.function();
        return how;
    }
    std::string read(const std::string& below) {
        std::string text;
        EXPECT_FALSE(read_all(*system_files(), directory.path() + "/data/" + below, text)) << below;
        return text;
    }

    temporary_directory directory;
    manual_clock clock;
};

TEST_F(json_store_on_disk, keeps_a_table_as_pretty_printed_json_under_its_encoded_name) {
    {
        json_store opened(options());
        v1::Mutation mutation = set_points("Łódź vs. Brno", {{"Łódź", 2}, {"Brno", -1}});
        mutation.mutable_update_score()->set_title("say \"hi\"");
        commit_and_wait(opened, mutation);
        commit_and_wait(opened, add_medal("gauls", "silver", 3));
    }
    EXPECT_EQ(read("tables/teams/gauls.json"), R"({
  "team": "gauls",
  "medals": {
    "gold": 0,
    "silver": 3,
    "bronze": 0
  },
  "updated_at": 1700000000.000000,
  "version": 1,
  "sequence": 2
}
)");
    const auto game = nlohmann::json::parse(read("tables/games/%C5%81%C3%B3d%C5%BA%20vs%2E%20Brno.json"));
    EXPECT_EQ(game["title"], "say \"hi\"");
    EXPECT_EQ(game["points"]["Brno"], -1);
    EXPECT_THAT(read("FORMAT"), HasSubstr("3\n"));
}

TEST_F(json_store_on_disk, keeps_apart_names_too_long_for_a_file) {
    const std::string one(128, '!'), other = std::string(127, '!') + "?";
    {
        json_store opened(options());
        commit_and_wait(opened, set_points(one, {{"A", 1}}));
        commit_and_wait(opened, set_points(other, {{"A", 2}}));
    }
    json_store opened(options());
    const store& reader = opened;
    EXPECT_THAT(reader.load("games/" + one)->json(), HasSubstr(R"("A":1)"));
    EXPECT_THAT(reader.load("games/" + other)->json(), HasSubstr(R"("A":2)"));
}

TEST_F(json_store_on_disk, finds_everything_again_tables_keys_history_and_freeze) {
    std::string before;
    std::int64_t frozen_at_us = 0;
    {
        json_store opened(options());
        commit_and_wait(opened, set_points("g", {{"A", 1}}, "k"));
        opened.checkpoint_now();
        commit_and_wait(opened, set_points("g", {{"A", 2}}));
        commit_and_wait(opened, make_freeze(true));
        commit_and_wait(opened, set_points("g", {{"A", 3}}));
        frozen_at_us = opened.frozen_since()->at_us;
        opened.checkpoint_now();
        commit_and_wait(opened, set_points("g", {{"A", 4}}));
        before = opened.load("games/g", audience::scorer)->json();
    }
    json_store opened(options());
    const store& reader = opened;
    EXPECT_EQ(reader.load("games/g", audience::scorer)->json(), before);
    EXPECT_THAT(reader.load("games/g")->json(), HasSubstr(R"("A":2)"));
    ASSERT_TRUE(reader.frozen_since());
    EXPECT_EQ(reader.frozen_since()->sequence, 3u);
    EXPECT_EQ(reader.frozen_since()->at_us, frozen_at_us);
    EXPECT_EQ(reader.history("games/g", 0, 100, audience::scorer)->size(), 4u);
    const outcome again = commit_and_wait(opened, set_points("g", {{"A", 1}}, "k"));
    EXPECT_EQ(again.result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(again.state->version(), 1u);
    EXPECT_TRUE(opened.health().warnings.empty());
}

TEST_F(json_store_on_disk, refuses_a_second_process_and_names_the_first) {
    json_store opened(options());
    try {
        json_store second(options());
        FAIL() << "a second store was opened";
    } catch (const store_unavailable& refused) {
        EXPECT_THAT(refused.what(), HasSubstr("process " + std::to_string(::getpid())));
    }
}

TEST_F(json_store_on_disk, refuses_a_newer_format) {
    { json_store opened(options()); }
    ASSERT_FALSE(write_new(*system_files(), options().directory + "/FORMAT", "4\nstadion 9.0\n"));
    try {
        json_store opened(options());
        FAIL() << "a newer format was opened";
    } catch (const store_unavailable& refused) {
        EXPECT_THAT(refused.what(), HasSubstr("format 4"));
    }
}

TEST_F(json_store_on_disk, brings_bare_table_files_to_its_format_and_keeps_the_old_directory) {
    const std::string root = options().directory;
    auto on = system_files();
    for (const char* below : {"", "/tables", "/tables/games", "/tables/teams"})
        ASSERT_FALSE(on->make_directory(root + below));
    ASSERT_FALSE(write_new(*on, root + "/FORMAT", "1\n"));
    ASSERT_FALSE(write_new(*on, root + "/tables/teams/gauls.json",
                           R"({"team":"gauls","medals":{"gold":2,"silver":0,"bronze":1}})"));
    ASSERT_FALSE(write_new(*on, root + "/tables/games/golf.json", R"({"game":"golf","points":{"A":7}})"));
    {
        json_store opened(options());
        const store& reader = opened;
        EXPECT_EQ(reader.load("teams/gauls")->tally()->gold(), 2u);
        EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "gold")).state->tally()->gold(), 3u);
        EXPECT_EQ(reader.history("teams/gauls")->size(), 2u);
        EXPECT_THAT(opened.health().warnings.front(), HasSubstr(root + ".format1"));
    }
    json_store opened(options());
    EXPECT_TRUE(opened.load("games/golf", audience::everyone));
    std::string old;
    EXPECT_FALSE(read_all(*on, root + ".format1/FORMAT", old));
    EXPECT_EQ(old, "1\n");
}

// The following tests use a simulated disk, where a byte is easily changed.
class json_store_in_trouble : public ::testing::Test {
public:
    simulated_disk lived() {
        opened_store opened = open_on({}, clock);
        for (int i = 0; i < 10; ++i)
            commit_and_wait(*opened.store, add_medal("gauls", "gold", 1, "k" + std::to_string(i)));
        opened.store->checkpoint_now();
        for (int i = 0; i < 10; ++i) commit_and_wait(*opened.store, add_medal("romans", "gold"));
        for (int i = 0; i < 5; ++i) commit_and_wait(*opened.store, add_medal("gauls", "silver"));
        return opened.disk->disk();
    }
    static void change_byte(simulated_disk& disk, const std::string& path, std::size_t at) {
        disk.cached(disk.inode_of(path).value()).at(at) ^= 1;
    }
    static std::string last_segment(const simulated_disk& disk) {
        std::string last;
        for (const std::string& name : disk.names("/data/journal"))
            if (const std::string path = "/data/journal/" + name; (*disk.contents(path))[0] != 0) last = path;
        return last;
    }
    opened_store salvage(simulated_disk disk) {
        opened_store opened;
        opened.disk = std::make_shared<faulty_files>(std::move(disk));
        json_store_options how = campaign_options(opened.disk, clock);
        how.salvage = true;
        opened.store = std::make_unique<json_store>(how);
        return opened;
    }

    manual_clock clock;
};

TEST_F(json_store_in_trouble, says_what_is_damaged_where_what_it_affects_and_what_to_run) {
    simulated_disk disk = lived();
    change_byte(disk, "/data/journal/00000002.log", 200);
    try {
        open_on(disk, clock);
        FAIL() << "damage was passed over";
    } catch (const store_damaged& refused) {
        ASSERT_EQ(refused.found().size(), 1u);
        EXPECT_EQ(refused.found()[0].file, "/data/journal/00000002.log");
        EXPECT_THAT(refused.found()[0].tables, ::testing::Not(::testing::IsEmpty()));
        EXPECT_THAT(refused.what(), HasSubstr("stadion dbserver --data /data --salvage"));
    }
}

TEST_F(json_store_in_trouble, names_the_table_whose_file_is_damaged) {
    simulated_disk disk = lived();
    change_byte(disk, "/data/tables/teams/gauls.json", 3);
    try {
        open_on(disk, clock);
        FAIL() << "damage was passed over";
    } catch (const store_damaged& refused) {
        EXPECT_THAT(refused.found()[0].tables, ::testing::ElementsAre("teams/gauls"));
    }
}

TEST_F(json_store_in_trouble, cuts_off_a_torn_tail_and_keeps_a_copy) {
    simulated_disk disk = lived();
    const std::string path = last_segment(disk);
    std::string& bytes = disk.cached(disk.inode_of(path).value());
    const std::size_t end = bytes.find_last_not_of('\0');
    bytes.at(end) = ' '; // the newline of the last record, never acknowledged for all that is known
    opened_store opened = open_on(disk, clock);
    EXPECT_EQ(opened.store->sequence(), 24u);
    ASSERT_FALSE(opened.store->health().warnings.empty());
    EXPECT_THAT(opened.store->health().warnings[0], HasSubstr(path + ".broken"));
    EXPECT_TRUE(opened.disk->disk().contents(path + ".broken"));
}

TEST_F(json_store_in_trouble, salvage_keeps_the_table_by_its_history_when_its_file_is_damaged) {
    simulated_disk disk = lived();
    change_byte(disk, "/data/tables/teams/gauls.json", 3);
    opened_store opened = salvage(disk);
    EXPECT_EQ(opened.store->load("teams/gauls", audience::scorer)->tally()->gold(), 10u);
    EXPECT_EQ(opened.store->load("teams/gauls", audience::scorer)->tally()->silver(), 5u);
    EXPECT_EQ(opened.store->load("teams/romans", audience::scorer)->tally()->gold(), 10u);
    EXPECT_EQ(opened.store->history("teams/gauls", 0, 100, audience::scorer)->size(), 15u);
    EXPECT_TRUE(opened.disk->disk().contents("/data/tables/teams/gauls.json.broken"));
    EXPECT_FALSE(opened.store->health().warnings.empty());
}

TEST_F(json_store_in_trouble, salvage_keeps_what_is_valid_before_and_behind_a_hole_in_the_journal) {
    simulated_disk disk = lived();
    change_byte(disk, "/data/journal/00000002.log", 200);
    simulated_disk after;
    {
        opened_store opened = salvage(disk);
        EXPECT_TRUE(opened.store->load("teams/gauls", audience::scorer));
        EXPECT_EQ(opened.store->sequence(), 25u);
        EXPECT_EQ(commit_and_wait(*opened.store, add_medal("gauls", "bronze")).result, v1::Outcome::APPLIED);
        EXPECT_TRUE(opened.store->history("teams/gauls", 0, 100, audience::scorer));
        after = opened.disk->disk();
        EXPECT_TRUE(after.contents("/data/journal/00000002.log.broken"));
    }
    opened_store opened = open_on(after, clock);
    EXPECT_EQ(opened.store->load("teams/gauls", audience::scorer)->tally()->bronze(), 1u);
    EXPECT_EQ(opened.store->load("teams/gauls", audience::scorer)->tally()->silver(), 5u);
}

TEST_F(json_store_in_trouble, salvage_does_without_the_checkpoint_when_it_is_damaged) {
    simulated_disk disk = lived();
    change_byte(disk, "/data/checkpoint.jsonl", 30);
    opened_store opened = salvage(disk);
    EXPECT_EQ(opened.store->load("teams/gauls", audience::scorer)->tally()->silver(), 5u);
    EXPECT_EQ(opened.store->load("teams/romans", audience::scorer)->tally()->gold(), 10u);
    const simulated_disk after = opened.disk->disk();
    opened_store again = open_on(after, clock);
    EXPECT_EQ(again.store->load("teams/romans", audience::scorer)->tally()->gold(), 10u);
}

TEST_F(json_store_in_trouble, is_poisoned_by_a_failed_sync_and_reads_go_on) {
    auto disk = std::make_shared<faulty_files>();
    std::promise<void> told;
    json_store_options how = campaign_options(disk, clock);
    how.engine.on_poisoned = [&] { told.set_value(); };
    json_store opened(how);
    commit_and_wait(opened, add_medal("gauls", "gold"));
    disk->fail_call(disk->calls() + 1, fault::input_output_error); // the write, then its sync
    const outcome unknown = commit_and_wait(opened, add_medal("gauls", "gold", 1, "k"));
    EXPECT_EQ(unknown.result, v1::Outcome::UNKNOWN);
    EXPECT_TRUE(unknown.failure->outcome_unknown);
    told.get_future().wait();
    EXPECT_EQ(opened.health().state, condition::poisoned);
    EXPECT_EQ(opened.load("teams/gauls", audience::everyone)->tally()->gold(), 1u);
    const outcome later = commit_and_wait(opened, add_medal("gauls", "gold"));
    EXPECT_EQ(later.result, v1::Outcome::UNAVAILABLE);
    EXPECT_FALSE(later.failure->outcome_unknown);
}

TEST_F(json_store_in_trouble, stays_poisoned_whatever_fails_or_succeeds_afterwards) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    disk->fail_call(disk->calls() + 1, fault::input_output_error, true);
    EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "gold")).result, v1::Outcome::UNKNOWN);
    opened.prepare_segment();
    EXPECT_EQ(opened.health().state, condition::poisoned);
    disk->lift_fault();
    opened.prepare_segment();
    opened.check_disk_space();
    EXPECT_EQ(opened.health().state, condition::poisoned);
    EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "gold")).result, v1::Outcome::UNAVAILABLE);
    opened.stop();
    EXPECT_EQ(opened.health().state, condition::poisoned);
}

TEST_F(json_store_in_trouble, stays_stopped_when_space_comes_back) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    disk->set_capacity(disk->disk().used_bytes() + 100);
    opened.check_disk_space();
    opened.stop();
    disk->set_capacity(1 << 20);
    opened.check_disk_space();
    EXPECT_EQ(opened.health().state, condition::stopped);
}

TEST_F(json_store_on_disk, no_commit_is_earlier_than_one_before_a_restart_with_a_slow_clock) {
    std::int64_t before = 0;
    for (const bool frozen : {true, false}) {
        {
            json_store opened(options());
            commit_and_wait(opened, add_medal("gauls", "gold"));
            clock.advance(60'000'000);
            commit_and_wait(opened, make_freeze(frozen));
            before = clock.now();
        }
        clock.advance(-7'200'000'000);
        json_store again(options());
        EXPECT_GE(commit_and_wait(again, add_medal("romans", "gold")).state->updated_at_us(), before);
    }
}

TEST_F(json_store_in_trouble, takes_a_failed_write_back_and_goes_on) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    commit_and_wait(opened, add_medal("gauls", "gold"));
    disk->fail_call(disk->calls(), fault::torn_write);
    EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "gold")).result, v1::Outcome::UNAVAILABLE);
    EXPECT_EQ(opened.health().state, condition::serving);
    const outcome next = commit_and_wait(opened, add_medal("gauls", "gold"));
    EXPECT_EQ(next.result, v1::Outcome::APPLIED);
    EXPECT_EQ(next.sequence, 2u);
    EXPECT_EQ(next.state->tally()->gold(), 2u);
}

// Until a record in a new segment is durable, only the segment before it tells how far the journal is.
TEST_F(json_store_in_trouble, a_checkpoint_after_any_failed_call_leaves_what_opening_needs) {
    std::uint64_t calls = 0;
    for (std::uint64_t failing = 0; failing == 0 || failing < calls; ++failing) {
        auto disk = std::make_shared<faulty_files>();
        json_store opened(campaign_options(disk, clock));
        opened.prepare_segment();
        const std::uint64_t begun_at = disk->calls();
        if (failing > 0) disk->fail_call(begun_at + failing - 1, fault::input_output_error);
        std::map<result_code, std::uint64_t> told;
        for (int i = 0; i < 80; ++i) ++told[commit_and_wait(opened, add_medal("gauls", "gold")).result];
        if (failing == 0) calls = disk->calls() - begun_at + 1;
        disk->lift_fault();
        opened.checkpoint_now();
        std::mt19937 random(1);
        opened_store after = open_on(disk->disk().crashed(crash_style::drop_all, random), clock);
        const state_ptr found = after.store->load("teams/gauls", audience::everyone);
        const std::uint64_t gold = found ? found->tally()->gold() : 0;
        EXPECT_GE(gold, told[v1::Outcome::APPLIED]) << failing;
        EXPECT_LE(gold, told[v1::Outcome::APPLIED] + told[v1::Outcome::UNKNOWN]) << failing;
    }
    EXPECT_GT(calls, 160u); // each commit's write and sync, and new segments
}

TEST_F(json_store_in_trouble, refuses_updates_on_a_full_disk_and_takes_them_again_when_there_is_space) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    commit_and_wait(opened, add_medal("gauls", "gold"));
    disk->set_capacity(disk->disk().used_bytes() + 100);
    opened.check_disk_space();
    const outcome refused = commit_and_wait(opened, add_medal("gauls", "gold"));
    EXPECT_EQ(refused.result, v1::Outcome::UNAVAILABLE);
    EXPECT_EQ(refused.failure->code, wire::status::resource_exhausted);
    EXPECT_EQ(refused.failure->details.at("http_status"), "507");
    EXPECT_THAT(refused.failure->message, HasSubstr("is full"));
    EXPECT_EQ(opened.load("teams/gauls", audience::everyone)->tally()->gold(), 1u);
    disk->set_capacity(1 << 20);
    opened.check_disk_space();
    EXPECT_EQ(commit_and_wait(opened, add_medal("gauls", "gold")).result, v1::Outcome::APPLIED);
}

TEST_F(json_store_in_trouble, removes_segments_that_a_checkpoint_has_made_needless) {
    auto disk = std::make_shared<faulty_files>();
    json_store opened(campaign_options(disk, clock));
    for (int i = 0; i < 60; ++i) commit_and_wait(opened, add_medal("gauls", "gold"));
    EXPECT_GT(opened.health().segments, 2u);
    EXPECT_TRUE(opened.checkpoint_now());
    EXPECT_EQ(opened.health().segments, 1u);
    EXPECT_EQ(opened.health().checkpoint_sequence, 60u);
}

} // namespace
} // namespace stadion::dbserver
