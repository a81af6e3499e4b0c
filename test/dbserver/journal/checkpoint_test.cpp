// Checkpoints that fail.
#include "dbserver/journal/checkpoint.hpp"

#include "test/support/campaign_store.hpp"

#include <gtest/gtest.h>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;

TEST(checkpoint, that_may_or_may_not_be_on_the_disk_is_not_written_over) {
    manual_clock clock;
    // Whatever call of a checkpoint fails, a crash at any moment of the next one finds everything.
    for (std::uint64_t failing = 0;; ++failing) {
        opened_store opened = open_on({}, clock, true);
        for (int i = 0; i < 3; ++i) commit_and_wait(*opened.store, add_medal("gauls", "gold"));
        opened.store->checkpoint_now();
        for (int i = 0; i < 3; ++i) commit_and_wait(*opened.store, add_medal("gauls", "gold"));
        opened.disk->fail_call(opened.disk->calls() + failing, fault::input_output_error);
        if (opened.store->checkpoint_now()) break;
        opened.disk->lift_fault();
        commit_and_wait(*opened.store, add_medal("gauls", "gold"));
        const std::size_t begun_at = opened.disk->trace_size();
        EXPECT_TRUE(opened.store->checkpoint_now());
        const auto trace = opened.disk->trace();
        simulated_disk now;
        std::mt19937 random(1);
        for (std::size_t point = 0; point < trace.size(); ++point) {
            now.apply(trace[point]);
            if (point + 1 < begun_at) continue;
            for (const auto style : {crash_style::drop_all, crash_style::keep_all}) {
                opened_store after;
                ASSERT_NO_THROW(after = open_on(now.crashed(style, random), clock)) << failing;
                EXPECT_EQ(after.store->load("teams/gauls", audience::everyone)->tally()->gold(), 7u);
                EXPECT_EQ(after.store->history("teams/gauls", 0, 100, audience::everyone)->size(), 7u);
            }
        }
        for (const std::string& name : opened.disk->disk().names("/data/tables/teams"))
            EXPECT_EQ(name, "gauls.json") << "left behind when call " << failing << " failed";
    }
}

} // namespace
} // namespace stadion::dbserver
