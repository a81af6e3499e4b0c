// Recovery: reading the journal at start.
//
// The problem: a crash may leave a part of the last batch, with its sectors written in any order. That is not
// damage, because the batch was never acknowledged. But a failing disk must not be taken for a crash.
//
// The rule: batch k+1 is written only after the sync of batch k returned. So an invalid batch k is a torn
// tail, never acknowledged, if and only if no valid record of a later batch exists. A torn tail may be cut
// off. Anything else is damage. Each record is validated by its own checksum, so that a record of a later
// batch is found wherever it is.
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
    std::vector<std::uint64_t> unused; // prepared segments, filled with zeros

    // The last whole batch. It was read, perhaps from the page cache, and may not be on the disk.
    std::uint64_t last_batch_segment = 0;
    std::uint64_t last_batch_offset = 0;
    std::string last_batch;

    bool torn = false;            // there is a torn tail behind the position
    std::uint64_t torn_bytes = 0; // the tail's length up to its last non-zero byte
};

struct recovery_request {
    std::uint64_t first_segment = 0;  // 0: the first that exists
    std::uint64_t after_sequence = 0; // commits up to here are in the checkpoint
    bool salvage = false;             // skip damage and gaps, and report them
    bool shows_earlier = false;       // also visit commits up to after_sequence, if the journal has them
};

using line_visitor = std::function<wire::result<void>(const record&)>;

// Visits every commit after `after_sequence` once, in order. Errors of the file system count as damage.
std::variant<journal_end, damage> read_journal(files& from, const layout& where, const recovery_request& what,
                                               const line_visitor& visit, std::vector<damage>& passed_over);

} // namespace stadion::dbserver
