// Which table a commit belongs to, for commits that are in checkpoints only.
//
// Files of records in the order of sequences, 16 bytes each, to whose ends every checkpoint adds its commits:
//
//     0  sequence
//     8  table     the first 8 bytes of the SHA-256 of the table's name
//
// Numbers are little-endian. A commit is looked up by bisecting: some twenty small reads, however long the
// history. Two tables may have the same number: who looks up asks each whether the commit is its own.
// Threads: functions of their arguments.
#pragma once

#include "dbserver/journal/files.hpp"
#include "dbserver/journal/layout.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::dbserver {

inline constexpr std::size_t index_record_bytes = 16;

// What checkpoint.jsonl says of one file of the index.
struct saved_index {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint64_t first = 0; // sequences
    std::uint64_t last = 0;
};

struct indexed_commit {
    std::uint64_t sequence = 0;
    std::uint64_t table = 0;
};

std::uint64_t table_number(std::string_view name);

// The records of the commits, which it puts in order.
std::string index_records(std::vector<indexed_commit> commits);

// The table's number; 0 when no record has the sequence. DATA_LOSS when the file cannot be read.
wire::result<std::uint64_t> find_commit(files& from, const layout& where, std::span<const saved_index> in,
                                        std::uint64_t sequence);

} // namespace stadion::dbserver
