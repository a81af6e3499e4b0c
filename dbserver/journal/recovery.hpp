// Reading the journal back, by one rule.
//
// The problem: after a crash the last batch may be there in part - its sectors landed in any order - and that
// is no damage, for nobody was told that it is durable. But a bad disk must not pass for a crash.
//
// The rule: batch k+1 is written only after batch k's sync returned. So what is wrong in batch k is a torn
// tail, never acknowledged, if and only if no valid record of a later batch exists; then it may be cut off.
// Anything else is damage. Records prove themselves, so one of a later batch is found wherever it stands.
#pragma once

#include "dbserver/journal/damage.hpp"
#include "dbserver/journal/files.hpp"
#include "dbserver/journal/journal.hpp"
#include "dbserver/journal/layout.hpp"
#include "dbserver/journal/record.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace stadion::dbserver {

struct journal_end {
    journal_position position; // after the last whole batch
    std::deque<segment_span> spans;
    std::vector<std::uint64_t> unused; // segments of zeros, made ahead

    // The last whole batch, which may have been read without being on the disk.
    std::uint64_t last_batch_segment = 0;
    std::uint64_t last_batch_offset = 0;
    std::string last_batch;

    bool torn = false;            // something stands behind the position
    std::uint64_t torn_bytes = 0; // up to its last byte that is not zero
};

struct recovery_request {
    std::uint64_t first_segment = 0;  // 0: whichever is there
    std::uint64_t after_sequence = 0; // earlier commits are in the checkpoint
    bool salvage = false;             // pass over damage and gaps, noting them
    bool shows_earlier = false;       // show the commits that are in the checkpoint too, where there are any
};

using line_visitor = std::function<wire::result<void>(const record&)>;

// Shows every commit after `after_sequence` once, in order. The file system's own errors are damage too.
std::variant<journal_end, damage> read_journal(files& from, const layout& where, const recovery_request& what,
                                               const line_visitor& visit, std::vector<damage>& passed_over);

} // namespace stadion::dbserver
