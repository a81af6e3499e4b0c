// The journal's record: a header of 32 bytes, then one line of JSON. FORMAT.md has a worked example.
//
//     0  crc       CRC-32C of all that follows, begun with the segment's seed
//     4  length    of the line, its newline included
//     8  previous  the crc of the record before; of the first in a segment: the seed
//    12  flags     1: the last of its batch; 2: control, which changes no table
//    16  batch     batch k+1 is written only when batch k is durable
//    24  sequence  of the commit; of a control record: of the last commit before it
//
// Numbers are little-endian. Each record proves itself by its crc, so that one can be found behind damage,
// and `previous` chains it to the one before. A header of zeros is where the segment ends.
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

// Records are put together in two steps: a writer appends lines, each between begin and end, and when the
// batch is closed seal_records fills in what only then is known and answers the last crc.
std::size_t begin_record(std::string& to);
void end_record(std::string& to, std::size_t begun_at, std::uint64_t sequence, std::uint32_t flags = 0);
std::uint32_t seal_records(std::string& records, std::uint64_t batch, std::uint32_t seed,
                           std::uint32_t previous);

// The record at this place when there is a whole and undamaged one; its chain is for the caller to check.
std::optional<record> record_at(std::string_view segment, std::size_t offset, std::uint32_t seed) noexcept;

} // namespace stadion::dbserver
