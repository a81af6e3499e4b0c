// Directories of format 2, where the file names of long table names could collide.
#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/json_text.hpp"
#include "test/support/campaign_store.hpp"

#include <gmock/gmock.h>

#include <array>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const layout where{campaign_directory};
const std::int64_t clock_us_of_tests = manual_clock().now();

// A line of format 2's key files: the key and the answer.
std::string former_key(const v1::Mutation& mutation, const outcome& answered) {
    operation what;
    EXPECT_FALSE(read_mutation(mutation, {}, what));
    std::string line = R"({"key":)";
    append_json_string(line, what.key);
    line += R"(,"hash":")" + hexadecimal(what.hash) + R"(","sequence":)" + std::to_string(answered.sequence);
    line += R"(,"at":)" + std::to_string(clock_us_of_tests);
    return line + R"(,"answer":)" + answered.state->json() + "}\n";
}

// The directory as the program of format 2 would have left it, with these lines of keys. Where two tables
// have one file, it holds the later one.
simulated_disk as_format_2(simulated_disk found, const std::string& keys = {}) {
    faulty_files on(std::move(found));
    std::string text;
    manifest what;
    EXPECT_FALSE(read_all(on, where.checkpoint(), text));
    EXPECT_TRUE(from_text(text, what));
    std::map<std::uint64_t, std::string> by_commit;
    for (const auto& [name, saved] : what.tables) by_commit[saved.sequence] = name;
    for (const auto& [sequence, name] : by_commit) {
        if (where.table(name) == where.former_table(name)) continue;
        on.rename(where.table(name), where.former_table(name));
        on.rename(where.history(name), where.former_history(name));
    }
    for (const saved_index& one : what.index) on.remove(where.index_file(one.number));
    for (const saved_keys& one : what.keys) on.remove(where.key_file(one.number));
    what.keys.clear();
    what.secret.reset();
    if (!keys.empty()) {
        what.keys.push_back({true, 1, keys.size(), crc32c(keys), clock_us_of_tests, clock_us_of_tests});
        EXPECT_FALSE(write_new(on, where.former_key_file(1), keys));
    }
    what.index.clear();
    what.format = 2;
    EXPECT_FALSE(write_new(on, where.checkpoint(), to_text(what)));
    EXPECT_FALSE(write_new(on, where.format(), "2\nstadion 0.1\n"));
    for (const std::string& path :
         {where.root, where.tables() + "/games", where.histories() + "/games", where.keys(), where.index()})
        on.sync_directory(path);
    return on.disk();
}

std::vector<std::string> files_of(const simulated_disk& in) {
    std::vector<std::string> all;
    for (const char* folder : {"/data/tables/games", "/data/history/games"})
        for (const std::string& name : in.names(folder)) all.push_back(name);
    return all;
}

// Two names of one file in format 2. CRC-32C is linear: with one bit changed here and there at the end, the
// checksum changes by the sum of what each bit alone changes. 33 such bits have a sum of zero among them,
// found by elimination; and since the encoded name ends in the same bytes, its checksum is the same too.
std::pair<std::string, std::string> clashing_names() {
    const std::string one = std::string(60, '!') + "aaa" + std::string(65, 'a');
    constexpr std::size_t bits = 33;
    const std::size_t begin = one.size() - bits;
    std::array<std::uint64_t, 32> chosen_for{}; // by highest bit of the change: which bits make it
    std::array<std::uint32_t, 32> change_of{};
    for (std::size_t bit = 0; bit < bits; ++bit) {
        std::string changed = one;
        changed[begin + bit] = 'A';
        std::uint32_t change = crc32c(one) ^ crc32c(changed);
        std::uint64_t chosen = std::uint64_t{1} << bit;
        for (int high = 31; high >= 0 && change != 0; --high) {
            if ((change >> high & 1) == 0) continue;
            if (change_of[high] == 0) {
                change_of[high] = change;
                chosen_for[high] = chosen;
                break;
            }
            change ^= change_of[high];
            chosen ^= chosen_for[high];
        }
        if (change != 0) continue;
        std::string other = one;
        for (std::size_t i = 0; i < bits; ++i)
            if (chosen >> i & 1) other[begin + i] = 'A';
        return {one, other};
    }
    return {};
}

class a_directory_of_format_2 : public ::testing::Test {
public:
    manual_clock clock;
};

TEST(file_names, that_clashed_do_not_any_more) {
    const auto [one, other] = clashing_names();
    ASSERT_NE(one, other);
    ASSERT_EQ(where.former_table("games/" + one), where.former_table("games/" + other));
    EXPECT_NE(where.table("games/" + one), where.table("games/" + other));
    EXPECT_EQ(where.table("games/" + one).size(), where.table("games/" + other).size());
}

TEST_F(a_directory_of_format_2, is_brought_to_the_new_names_whenever_the_power_fails_meanwhile) {
    const std::string name(100, '!');
    simulated_disk former;
    {
        opened_store opened = open_on({}, clock);
        for (int i = 1; i <= 3; ++i) commit_and_wait(*opened.store, set_points(name, {{"A", i}}));
        commit_and_wait(*opened.store, set_points("short", {{"A", 1}}));
        opened.store->checkpoint_now();
        commit_and_wait(*opened.store, set_points(name, {{"A", 4}}, "k"));
        former = as_format_2(opened.disk->disk());
    }
    const auto check = [&](json_store& now) {
        const store& reader = now;
        ASSERT_TRUE(reader.load("games/" + name));
        EXPECT_THAT(reader.load("games/" + name)->json(), HasSubstr(R"("points":{"A":4})"));
        EXPECT_EQ(reader.history("games/" + name)->size(), 4u);
        EXPECT_EQ(reader.history("games/short")->size(), 1u);
        EXPECT_EQ(commit_and_wait(now, set_points(name, {{"A", 4}}, "k")).result, v1::Outcome::DUPLICATE);
    };
    opened_store opened = open_on(former, clock, true);
    check(*opened.store);
    EXPECT_THAT(files_of(opened.disk->disk()), Not(Contains(::testing::ResultOf(is_former_file_name, true))));
    const auto trace = opened.disk->trace();
    simulated_disk now = former;
    std::mt19937 random(1);
    for (const disk_change& change : trace) {
        now.apply(change);
        for (const auto style : {crash_style::drop_all, crash_style::keep_all, crash_style::random}) {
            opened_store after;
            ASSERT_NO_THROW(after = open_on(now.crashed(style, random), clock));
            check(*after.store);
            EXPECT_THAT(files_of(after.disk->disk()),
                        Not(Contains(::testing::ResultOf(is_former_file_name, true))));
            if (HasFailure()) return;
        }
    }
}

TEST_F(a_directory_of_format_2, where_two_names_had_one_file_is_opened_without_losing_either) {
    const auto [one, other] = clashing_names();
    simulated_disk former;
    {
        opened_store opened = open_on({}, clock);
        for (int i = 1; i <= 3; ++i) {
            commit_and_wait(*opened.store, set_points(one, {{"A", i}}));
            commit_and_wait(*opened.store, set_points(other, {{"B", i}}));
        }
        opened.store->checkpoint_now();
        commit_and_wait(*opened.store, set_points(one, {{"A", 9}}));
        former = as_format_2(opened.disk->disk());
    }
    opened_store opened = open_on(former, clock);
    for (int opening = 0; opening < 2; ++opening) {
        EXPECT_EQ(opened.store->history("games/" + one, 0, 100, audience::everyone)->size(), 4u);
        EXPECT_EQ(opened.store->history("games/" + other, 0, 100, audience::everyone)->size(), 3u);
        EXPECT_THAT(opened.store->load("games/" + one, audience::everyone)->json(), HasSubstr(R"({"A":9})"));
        EXPECT_THAT(opened.store->load("games/" + other, audience::everyone)->json(),
                    HasSubstr(R"({"B":3})"));
        if (opening == 0) {
            EXPECT_THAT(opened.store->health().warnings, Contains(HasSubstr("it was told apart")));
        }
        opened_store again = open_on(opened.disk->disk(), clock);
        opened = std::move(again);
    }
}

TEST_F(a_directory_of_format_2, has_the_last_state_of_a_name_whose_file_is_anothers_with_its_keys) {
    const auto [one, other] = clashing_names();
    simulated_disk former;
    {
        opened_store opened = open_on({}, clock);
        commit_and_wait(*opened.store, set_points(one, {{"A", 1}}));
        const v1::Mutation keyed = set_points(one, {{"A", 2}}, "k");
        const std::string key = former_key(keyed, commit_and_wait(*opened.store, keyed));
        commit_and_wait(*opened.store, set_points(other, {{"B", 1}}));
        for (int i = 0; i < 40; ++i) commit_and_wait(*opened.store, add_medal("gauls", "gold"));
        opened.store->checkpoint_now(); // the segments before are gone with it
        former = as_format_2(opened.disk->disk(), key);
    }
    opened_store opened = open_on(former, clock);
    const state_ptr known = opened.store->load("games/" + one, audience::everyone);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->version(), 2u);
    EXPECT_EQ(opened.store->history("games/" + other, 0, 100, audience::everyone)->size(), 1u);
    EXPECT_EQ(commit_and_wait(*opened.store, set_points(one, {{"A", 2}}, "k")).result,
              v1::Outcome::DUPLICATE);
    EXPECT_EQ(commit_and_wait(*opened.store, set_points(one, {{"A", 3}})).state->version(), 3u);
    const opened_store again = open_on(opened.disk->disk(), clock);
    EXPECT_EQ(commit_and_wait(*again.store, set_points(one, {{"A", 2}}, "k")).result, v1::Outcome::DUPLICATE);
    EXPECT_FALSE(again.disk->disk().contents(where.former_key_file(1)));
}

} // namespace
} // namespace stadion::dbserver
