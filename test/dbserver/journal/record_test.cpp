// The journal's bytes: FORMAT.md's example, checksums, and that a damaged record is rejected.
#include "dbserver/journal/crc32c.hpp"
#include "dbserver/journal/record.hpp"

#include <gtest/gtest.h>

#include <random>

namespace stadion::dbserver {
namespace {

std::string two_records(std::uint64_t segment) {
    std::string records;
    std::size_t at = begin_record(records);
    records += R"({"a":1})";
    end_record(records, at, 7);
    at = begin_record(records);
    records += R"({"b":2})";
    end_record(records, at, 8);
    seal_records(records, 3, segment_seed(segment), segment_seed(segment));
    return records;
}

TEST(crc32c, agrees_with_rfc_3720) {
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(crc32c, is_the_same_by_instruction_and_by_table_however_the_text_is_cut) {
    std::mt19937 random(1);
    std::string text(1000, '\0');
    for (char& c : text) c = static_cast<char>(random());
    for (std::size_t cut = 0; cut < text.size(); cut += 7) {
        const std::string_view all = text;
        EXPECT_EQ(crc32c_extend(crc32c_extend(0, all.substr(0, cut)), all.substr(cut)),
                  crc32c_extend_portable(0, all));
    }
}

TEST(record, is_read_back_with_its_place_in_the_chain) {
    const std::string records = two_records(5);
    const auto first = record_at(records, 0, segment_seed(5));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->line, "{\"a\":1}\n");
    EXPECT_EQ(first->batch, 3u);
    EXPECT_EQ(first->sequence, 7u);
    EXPECT_EQ(first->previous, segment_seed(5));
    EXPECT_EQ(first->flags, 0u);
    const auto second = record_at(records, first->size(), segment_seed(5));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->previous, first->crc);
    EXPECT_EQ(second->flags, last_of_batch);
    EXPECT_EQ(first->size() + second->size(), records.size());
}

TEST(record, of_another_segment_is_not_taken) { EXPECT_FALSE(record_at(two_records(5), 0, segment_seed(6))); }

TEST(record, with_any_bit_changed_is_not_taken) {
    const std::string good = two_records(1);
    const std::size_t size = record_at(good, 0, segment_seed(1))->size();
    for (std::size_t at = 0; at < size; ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            EXPECT_FALSE(record_at(bad, 0, segment_seed(1))) << at;
        }
}

TEST(record, is_not_found_in_zeros_or_beyond_the_end) {
    EXPECT_FALSE(record_at(std::string(100, '\0'), 0, segment_seed(1)));
    const std::string good = two_records(1);
    for (std::size_t length = 0; length < 40; ++length)
        EXPECT_FALSE(record_at(good.substr(0, length), 0, segment_seed(1)));
}

} // namespace
} // namespace stadion::dbserver
