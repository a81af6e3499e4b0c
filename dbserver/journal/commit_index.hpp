// The commit index: which table a commit changed, for commits that are in checkpoints.
//
// Index files hold records of 16 bytes in the order of sequences. Every checkpoint appends its commits.
//
//     0  sequence
//     8  table     the first 8 bytes of the SHA-256 of the table's name
//
// Numbers are little-endian. A look-up is a binary search: some twenty small reads, however long the history.
// Two tables may have the same number. Whoever looks up must check which of them has the commit. Threads: the
// functions have no state of their own.
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

// One index file, as checkpoint.jsonl describes it.
struct saved_index {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint64_t first = 0; // the lowest sequence in it
    std::uint64_t last = 0;  // the highest
};

struct indexed_commit {
    std::uint64_t sequence = 0;
    std::uint64_t table = 0;
};

std::uint64_t table_number(std::string_view name);

// Sorts the commits and encodes them.
std::string index_records(std::vector<indexed_commit> commits);

// The number of the commit's table; 0 when no record has the sequence. DATA_LOSS when a file cannot be read.
wire::result<std::uint64_t> find_commit(files& from, const layout& where, std::span<const saved_index> in,
                                        std::uint64_t sequence);

} // namespace stadion::dbserver
