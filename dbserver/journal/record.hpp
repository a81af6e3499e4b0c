// The journal's record: a header of 32 bytes and one line of JSON. FORMAT.md has a worked example.
//
//     0  crc       CRC-32C of all that follows, begun with the segment's seed
//     4  length    of the line, its newline included
//     8  previous  the crc of the previous record; the seed in the first record of a segment
//    12  flags     1: the last of its batch; 2: a control record, which changes no table
//    16  batch     batch k+1 is written only when batch k is durable
//    24  sequence  of the commit; in a control record: of the last commit before it
//
// Numbers are little-endian. A record is validated by its own crc alone, so that valid records are found
// behind damaged ones. `previous` chains it to the previous record. A header of zeros ends the segment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stadion::dbserver {

inline constexpr std::size_t record_header_bytes = 32;
inline constexpr std::size_t record_line_bytes_max = 4u << 20;

enum record_flag : std::uint32_t { last_of_batch = 1, control_record = 2 };

struct record {
    std::uint32_t crc = 0;
    std::uint32_t previous = 0;
    std::uint32_t flags = 0;
    std::uint64_t batch = 0;
    std::uint64_t sequence = 0;
    std::string_view line;

    std::size_t size() const noexcept { return record_header_bytes + line.size(); }
};

std::uint32_t segment_seed(std::uint64_t segment) noexcept;

// A batch is encoded in two steps. Each line is appended between begin_record and end_record. When the batch
// is closed, seal_records fills in the batch number, the chain and the checksums, and returns the last crc.
std::size_t begin_record(std::string& to);
void end_record(std::string& to, std::size_t begun_at, std::uint64_t sequence, std::uint32_t flags = 0);
std::uint32_t seal_records(std::string& records, std::uint64_t batch, std::uint32_t seed,
                           std::uint32_t previous);

// The valid record at this offset, if there is one. The caller must check its chain.
std::optional<record> record_at(std::string_view segment, std::size_t offset, std::uint32_t seed) noexcept;

} // namespace stadion::dbserver
