// What is on the disk after each outcome of an append.
#include "dbserver/journal/journal.hpp"

#include "test/dbserver/journal/journal_batches.hpp"

#include <gmock/gmock.h>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;
using testing::ElementsAre;
using testing::HasSubstr;
using written = journal::written;

class a_journal : public testing::Test {
protected:
    a_journal() { EXPECT_FALSE(log_.begin({}, {})); }

    written append(std::string records, std::uint64_t last_sequence) {
        return log_.append(records, last_sequence, failure_);
    }
    // Fills the first segment and begins the second one with commit 4.
    void begin_second_segment() {
        for (std::uint64_t sequence = 1; sequence <= 4; ++sequence)
            ASSERT_EQ(append(batch_of(sequence, 1, long_line()), sequence), written::durable);
        ASSERT_EQ(log_.segments(), 2u);
    }
    read_back after_a_crash(crash_style style) const {
        return read_back_from(disk_.disk().crashed(style, random_));
    }
    std::vector<std::string> segment_files() const { return disk_.disk().names(journal_layout.journal()); }

    faulty_files disk_;
    journal log_{disk_, journal_layout, small_segment_bytes};
    std::string failure_;
    mutable std::mt19937 random_{1};
};

TEST_F(a_journal, keeps_a_durable_batch_when_a_crash_drops_all_that_was_not_synced) {
    ASSERT_EQ(append(batch_of(1, 2), 2), written::durable);
    ASSERT_EQ(append(batch_of(3), 3), written::durable);
    const auto found = after_a_crash(crash_style::drop_all);
    EXPECT_THAT(found.commits, ElementsAre(1, 2, 3));
    EXPECT_FALSE(found.end().torn);
    EXPECT_EQ(found.end().position.batch, log_.last_batch());
}

TEST_F(a_journal, continues_a_short_write) {
    ASSERT_EQ(append(batch_of(1), 1), written::durable);
    disk_.fail_call(disk_.calls(), fault::short_write);
    ASSERT_EQ(append(batch_of(2), 2), written::durable);
    EXPECT_THAT(after_a_crash(crash_style::drop_all).commits, ElementsAre(1, 2));
}

TEST_F(a_journal, leaves_nothing_of_a_batch_whose_write_failed_and_goes_on_in_a_new_segment) {
    ASSERT_EQ(append(batch_of(1), 1), written::durable);
    disk_.fail_call(disk_.calls(), fault::torn_write);
    ASSERT_EQ(append(batch_of(2, 2), 3), written::nothing);
    EXPECT_THAT(failure_, HasSubstr("cannot write to " + journal_layout.segment(1)));
    for (const auto style : {crash_style::drop_all, crash_style::keep_all}) {
        const auto found = after_a_crash(style);
        EXPECT_THAT(found.commits, ElementsAre(1));
        EXPECT_FALSE(found.end().torn);
    }
    ASSERT_EQ(append(batch_of(2), 2), written::durable);
    EXPECT_EQ(log_.segments(), 2u);
    EXPECT_THAT(after_a_crash(crash_style::drop_all).commits, ElementsAre(1, 2));
}

TEST_F(a_journal, writes_nothing_more_after_a_failed_sync) {
    ASSERT_EQ(append(batch_of(1), 1), written::durable);
    disk_.fail_call(disk_.calls() + 1, fault::input_output_error);
    ASSERT_EQ(append(batch_of(2), 2), written::unknown);
    EXPECT_THAT(failure_, HasSubstr("cannot sync " + journal_layout.segment(1)));
    const auto reason = std::exchange(failure_, {});
    const auto calls = disk_.calls();
    EXPECT_EQ(append(batch_of(2), 2), written::unknown);
    EXPECT_EQ(failure_, reason);
    EXPECT_EQ(log_.append_control("{}", failure_), written::unknown);
    EXPECT_EQ(disk_.calls(), calls) << "the disk was used again";
}

TEST_F(a_journal, writes_nothing_more_after_a_failed_write_that_cannot_be_cut_back) {
    ASSERT_EQ(append(batch_of(1), 1), written::durable);
    disk_.fail_call(disk_.calls(), fault::torn_write, true);
    ASSERT_EQ(append(batch_of(2), 2), written::unknown);
    EXPECT_THAT(failure_, HasSubstr("cannot cut it back"));
    disk_.lift_fault();
    EXPECT_EQ(append(batch_of(2), 2), written::unknown);
    EXPECT_THAT(after_a_crash(crash_style::drop_all).commits, ElementsAre(1));
}

TEST_F(a_journal, goes_on_in_the_next_segment_when_one_is_full) {
    begin_second_segment();
    const auto found = after_a_crash(crash_style::drop_all);
    EXPECT_THAT(found.commits, ElementsAre(1, 2, 3, 4));
    ASSERT_EQ(found.end().spans.size(), 2u);
    EXPECT_EQ(found.end().spans[0].last_sequence, 3u);
    EXPECT_EQ(found.end().spans[1].last_sequence, 4u);
}

TEST_F(a_journal, begins_every_segment_with_a_batch_that_is_no_commit) {
    begin_second_segment();
    for (const std::uint64_t segment : {1, 2}) {
        const auto disk = disk_.disk();
        const auto first =
            record_at(*disk.contents(journal_layout.segment(segment)), 0, segment_seed(segment));
        ASSERT_TRUE(first);
        EXPECT_EQ(first->flags, std::uint32_t{control_record} | last_of_batch);
    }
}

TEST_F(a_journal, refuses_a_batch_without_harm_while_there_is_no_room_for_the_next_segment) {
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
        ASSERT_EQ(append(batch_of(sequence, 1, long_line()), sequence), written::durable);
    disk_.set_capacity(disk_.disk().used_bytes());
    EXPECT_EQ(append(batch_of(4, 1, long_line()), 4), written::nothing);
    EXPECT_THAT(failure_, HasSubstr("cannot make the journal's next segment after"));
    EXPECT_THAT(segment_files(), ElementsAre("00000001.log"));
    disk_.set_capacity(UINT64_MAX);
    EXPECT_EQ(append(batch_of(4, 1, long_line()), 4), written::durable);
    EXPECT_THAT(after_a_crash(crash_style::drop_all).commits, ElementsAre(1, 2, 3, 4));
}

TEST_F(a_journal, prepares_the_next_segment_durably_and_without_a_record) {
    ASSERT_EQ(append(batch_of(1), 1), written::durable);
    EXPECT_FALSE(log_.is_prepared());
    ASSERT_FALSE(log_.prepare());
    EXPECT_TRUE(log_.is_prepared());
    const auto found = after_a_crash(crash_style::drop_all);
    EXPECT_THAT(found.end().unused, ElementsAre(2));
    EXPECT_EQ(found.end().position.segment, 1u);
}

TEST_F(a_journal, removes_a_segment_that_could_not_be_prepared) {
    // Each call in turn: open, allocate, write, the sync of the contents, the last sync, that of the
    // directory.
    for (std::uint64_t failing = 0; failing < 6; ++failing) {
        disk_.fail_call(disk_.calls() + failing, fault::input_output_error);
        EXPECT_TRUE(log_.prepare()) << failing;
        EXPECT_FALSE(log_.is_prepared()) << failing;
        EXPECT_THAT(segment_files(), ElementsAre("00000001.log")) << failing;
    }
    EXPECT_FALSE(log_.prepare());
    EXPECT_TRUE(log_.is_prepared());
}

TEST_F(a_journal, removes_segments_before_the_first_needed_one_and_never_the_current_one) {
    begin_second_segment();
    EXPECT_EQ(log_.first_needed(0), 1u);
    EXPECT_EQ(log_.first_needed(2), 1u);
    EXPECT_EQ(log_.first_needed(3), 2u);
    EXPECT_EQ(log_.first_needed(4), 2u) << "it tells how far the journal is";
    ASSERT_FALSE(log_.remove_before(log_.first_needed(3)));
    EXPECT_THAT(segment_files(), ElementsAre("00000002.log"));
    ASSERT_FALSE(log_.remove_before(99));
    EXPECT_THAT(segment_files(), ElementsAre("00000002.log"));
    EXPECT_EQ(log_.segments(), 1u);
}

TEST_F(a_journal, continues_where_recovery_says_that_it_ends) {
    begin_second_segment();
    const auto found = after_a_crash(crash_style::drop_all);
    faulty_files disk(disk_.disk().crashed(crash_style::drop_all, random_));
    journal next(disk, journal_layout, small_segment_bytes);
    ASSERT_FALSE(next.begin(found.end().position, found.end().spans));
    std::string records = batch_of(5);
    ASSERT_EQ(next.append(records, 5, failure_), written::durable);
    EXPECT_EQ(next.segments(), 2u);
    EXPECT_THAT(read_back_from(disk.disk()).commits, ElementsAre(1, 2, 3, 4, 5));
}

} // namespace
} // namespace stadion::dbserver
