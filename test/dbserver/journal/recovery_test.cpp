// What recovery takes for the torn tail of a crash, and what for damage.
#include "dbserver/journal/recovery.hpp"

#include "test/dbserver/journal/journal_batches.hpp"

#include <gmock/gmock.h>

namespace stadion::dbserver {
namespace {

using namespace stadion::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class recovery : public testing::Test {
protected:
    recovery() { EXPECT_FALSE(log_.begin({}, {})); }

    // Writes one batch of commits.
    void append(std::uint64_t first, std::uint64_t count = 1,
                std::string_view line = R"({"game":"hockey"})") {
        std::string records = batch_of(first, count, line), failure;
        ASSERT_EQ(log_.append(records, first + count - 1, failure), journal::written::durable) << failure;
    }
    // Three segments, with the commits 1 to 3, 4 to 6 and 7.
    void fill_two_segments() {
        for (std::uint64_t sequence = 1; sequence <= 7; ++sequence) append(sequence, 1, long_line());
        ASSERT_EQ(log_.segments(), 3u);
    }
    // The offset of a commit's record in a segment.
    std::size_t place_of(std::uint64_t commit, std::uint64_t segment = 1) const {
        const auto disk = on_.disk();
        const std::string& bytes = *disk.contents(journal_layout.segment(segment));
        std::size_t at = 0;
        while (const auto one = record_at(bytes, at, segment_seed(segment))) {
            if (one->sequence == commit && !(one->flags & control_record)) return at;
            at += one->size();
        }
        throw std::runtime_error("there is no commit " + std::to_string(commit));
    }
    // The disk with one segment changed.
    template <typename Change>
    simulated_disk changed(Change change, std::uint64_t segment = 1) const {
        simulated_disk disk = on_.disk();
        change(disk.cached(*disk.inode_of(journal_layout.segment(segment))));
        return disk;
    }
    simulated_disk with_a_bit_flipped(std::size_t at, std::uint64_t segment = 1) const {
        return changed([at](std::string& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 1); }, segment);
    }
    simulated_disk without_segment(std::uint64_t number) const {
        faulty_files on(on_.disk());
        on.remove(journal_layout.segment(number));
        return on.disk();
    }

    faulty_files on_;
    journal log_{on_, journal_layout, small_segment_bytes};
};

TEST_F(recovery, of_nothing_finds_nothing) {
    const auto found = read_back_from({});
    EXPECT_THAT(found.commits, IsEmpty());
    EXPECT_EQ(found.end().position.sequence, 0u);
}

TEST_F(recovery, cuts_off_a_last_batch_that_is_written_to_any_part) {
    append(1);
    append(2, 3);
    const std::size_t from = place_of(2);
    const std::size_t size = batch_of(2, 3).size();
    for (std::size_t written = 0; written < size; ++written) {
        const auto found = read_back_from(changed([&](std::string& bytes) {
            std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from + written), bytes.end(), '\0');
        }));
        EXPECT_THAT(found.commits, ElementsAre(1)) << written;
        EXPECT_EQ(found.end().position.offset, from) << written;
        EXPECT_LE(found.end().torn_bytes, written);
        EXPECT_EQ(found.end().torn, found.end().torn_bytes > 0) << written;
    }
}

TEST_F(recovery, cuts_off_a_last_batch_with_any_byte_wrong) {
    append(1);
    append(2, 2);
    const std::size_t from = place_of(2);
    const std::size_t size = batch_of(2, 2).size();
    for (std::size_t at = from; at < from + size; ++at) {
        const auto found = read_back_from(with_a_bit_flipped(at));
        EXPECT_THAT(found.commits, ElementsAre(1)) << at;
        EXPECT_TRUE(found.end().torn) << at;
        EXPECT_EQ(found.end().torn_bytes, size) << at;
    }
}

TEST_F(recovery, refuses_any_wrong_byte_that_a_valid_later_batch_follows) {
    append(1);
    append(2);
    append(3);
    for (std::size_t at = place_of(2); at < place_of(3); ++at) {
        const auto found = read_back_from(with_a_bit_flipped(at));
        ASSERT_TRUE(found.is_refused()) << at;
        EXPECT_EQ(found.refusal().offset, place_of(2)) << at;
    }
}

TEST_F(recovery, tells_where_damage_is_and_which_tables_it_affects) {
    append(1);
    append(2, 1, R"({"team":"gauls"})");
    append(3);
    const auto found = read_back_from(with_a_bit_flipped(place_of(2)));
    ASSERT_TRUE(found.is_refused());
    EXPECT_EQ(found.refusal().file, journal_layout.segment(1));
    EXPECT_THAT(found.refusal().what, HasSubstr("follow at byte " + std::to_string(place_of(3))));
    EXPECT_THAT(found.refusal().tables, ElementsAre("teams/gauls"));
}

TEST_F(recovery, refuses_a_torn_tail_in_a_segment_that_is_not_the_last) {
    fill_two_segments();
    const auto found = read_back_from(with_a_bit_flipped(place_of(3)));
    ASSERT_TRUE(found.is_refused());
    EXPECT_EQ(found.refusal().file, journal_layout.segment(1));
    EXPECT_EQ(found.refusal().offset, place_of(3));
    EXPECT_THAT(found.refusal().what, HasSubstr("later segments exist"));
}

TEST_F(recovery, allows_a_torn_tail_before_a_segment_that_is_only_prepared) {
    append(1);
    append(2);
    ASSERT_FALSE(log_.prepare());
    const auto found = read_back_from(with_a_bit_flipped(place_of(2)));
    EXPECT_THAT(found.commits, ElementsAre(1));
    EXPECT_TRUE(found.end().torn);
    EXPECT_THAT(found.end().unused, ElementsAre(2));
}

TEST_F(recovery, refuses_a_missing_segment) {
    fill_two_segments();
    const auto between = read_back_from(without_segment(2));
    ASSERT_TRUE(between.is_refused());
    EXPECT_EQ(describe(between.refusal()), journal_layout.segment(2) + ", byte 0: this segment is missing");
    const auto first = read_back_from(without_segment(1), {.first_segment = 1});
    ASSERT_TRUE(first.is_refused());
    EXPECT_EQ(first.refusal().file, journal_layout.segment(1));
    EXPECT_THAT(read_back_from(without_segment(1), {.first_segment = 2, .after_sequence = 3}).commits,
                ElementsAre(4, 5, 6, 7));
}

TEST_F(recovery, refuses_a_segment_of_zeros_before_one_that_has_records) {
    fill_two_segments();
    const auto found =
        read_back_from(changed([](std::string& bytes) { std::fill(bytes.begin(), bytes.end(), '\0'); }, 2));
    ASSERT_TRUE(found.is_refused());
    EXPECT_EQ(found.refusal().file, journal_layout.segment(3));
}

TEST_F(recovery, refuses_a_journal_that_begins_after_the_checkpoint_ends) {
    fill_two_segments();
    const recovery_request from_second{.first_segment = 2, .after_sequence = 2};
    EXPECT_TRUE(read_back_from(on_.disk(), from_second).is_refused()) << "commit 3 is nowhere";
}

TEST_F(recovery, refuses_commits_whose_sequences_have_a_gap) {
    append(1);
    append(3);
    append(4);
    EXPECT_TRUE(read_back_from(on_.disk()).is_refused());
}

TEST_F(recovery, visits_what_the_checkpoint_has_only_when_asked) {
    append(1, 2);
    append(3);
    EXPECT_THAT(read_back_from(on_.disk(), {.after_sequence = 2}).commits, ElementsAre(3));
    EXPECT_THAT(read_back_from(on_.disk(), {.after_sequence = 2, .shows_earlier = true}).commits,
                ElementsAre(1, 2, 3));
}

TEST_F(recovery, takes_a_commit_that_the_visitor_refuses_for_damage) {
    append(1, 2);
    std::vector<damage> passed_over;
    const auto outcome = read_journal(
        on_, journal_layout, {},
        [](const record& one) -> wire::result<void> {
            if (one.sequence == 2) return wire::make_error(wire::status::data_loss, "does not apply");
            return {};
        },
        passed_over);
    const auto* refused = std::get_if<damage>(&outcome);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->offset, place_of(2));
    EXPECT_EQ(refused->what, "the commit 2 does not apply");
}

TEST_F(recovery, with_salvage_skips_damage_and_reports_it) {
    fill_two_segments();
    const auto damaged = read_back_from(with_a_bit_flipped(place_of(2)), {.salvage = true});
    EXPECT_THAT(damaged.commits, ElementsAre(1, 3, 4, 5, 6, 7));
    ASSERT_EQ(damaged.passed_over.size(), 1u);
    EXPECT_EQ(damaged.passed_over[0].offset, place_of(2));
    EXPECT_FALSE(damaged.is_refused());
}

} // namespace
} // namespace stadion::dbserver
