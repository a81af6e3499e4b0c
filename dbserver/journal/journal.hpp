// The journal: numbered segments, filled with zeros in advance, to which whole batches are written and
// synced.
//
// Overwriting allocated blocks changes no metadata of the file system, so that fdatasync is one write to the
// disk. Therefore a segment is filled with zeros before it is used, and the next segment is filled while the
// current one is in use.
//
// A failed write is truncated away and the truncation synced: then none of the batch is left. A failed sync
// is never retried, because the system may have dropped the dirty pages and report success the next time
// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). What is on disk is then
// unknown until a new process reads it.
//
// Threads: begin, append and append_control belong to one thread at a time; while the store runs that is the
// journal thread. remove_before is called by one thread at a time, the one that makes a checkpoint. The
// others may be called by any thread, also during an append.
#pragma once

#include "dbserver/journal/files.hpp"
#include "dbserver/journal/layout.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>

namespace stadion::dbserver {

struct segment_span {
    std::uint64_t number = 0;
    std::uint64_t last_sequence = 0; // of its last commit; the commit before the segment when it has none
    bool begun = false;              // a record in it is durable
};

// Where the next batch is written.
struct journal_position {
    std::uint64_t segment = 1;
    std::uint64_t offset = 0;
    std::uint32_t previous_crc = 0; // of the record before it in the segment; the seed at offset 0
    std::uint64_t batch = 0;        // the last one written
    std::uint64_t sequence = 0;     // the last one written
};

class journal {
public:
    // After `unknown` nothing more is written, and every append returns `unknown`.
    enum class written { durable, nothing, unknown };

    journal(files& on, layout where, std::uint64_t segment_bytes)
        : files_(on), where_(std::move(where)), segment_bytes_(segment_bytes) {}

    // Continues at the position; creates the segment when it does not exist. `before`: the segments to keep.
    std::error_code begin(const journal_position& at, std::deque<segment_span> before);

    // Writes and syncs one batch of records, which are as end_record leaves them. On any result but
    // `durable`, `failure` says why.
    written append(std::string& records, std::uint64_t last_sequence, std::string& failure);
    written append_control(std::string_view line, std::string& failure);

    // Creates and fills the next segment, or performs one step of that. Between the steps commits get to the
    // disk. The last step makes is_prepared() true.
    std::error_code prepare();
    std::error_code prepare_a_step();
    bool is_prepared() const;
    // The current segment fills up faster than the next one is prepared.
    bool preparation_lags();
    // The first segment that has commits after this one. When there is none, the last segment that has any
    // record, because only a record tells how far the journal is.
    std::uint64_t first_needed(std::uint64_t after_sequence) const;
    std::error_code remove_before(std::uint64_t segment);

    std::uint64_t last_batch() const { return at_.batch; } // on the appending thread
    std::size_t segments() const;
    std::uint64_t segment_bytes() const { return segment_bytes_; }

private:
    // A segment that is being filled with zeros.
    struct unfinished_segment {
        std::uint64_t number = 0;
        std::unique_ptr<file> at;
        std::uint64_t filled = 0;
    };
    std::error_code begin_segment(unfinished_segment& made);
    std::error_code fill_segment(unfinished_segment& made);
    std::error_code fill_step(unfinished_segment& made);
    std::error_code make_segment(std::uint64_t number, std::unique_ptr<file>& made);
    std::error_code switch_segment();
    written write_batch(std::string& records, std::uint64_t last_sequence, std::string& failure);
    written poison(std::string& failure, std::string_view what, std::error_code why);
    written cut_back(std::string& failure);

    files& files_;
    const layout where_;
    const std::uint64_t segment_bytes_;

    // Used by the appending thread only.
    std::unique_ptr<file> file_;
    std::uint64_t allocated_ = 0;
    std::uint32_t seed_ = 0;
    journal_position at_;
    std::string poison_reason_;          // not empty: what is on the disk is unknown, and why
    std::atomic<std::uint64_t> used_{0}; // at_.offset, for other threads

    mutable std::mutex lock_;
    std::deque<segment_span> spans_; // the current one last
    std::unique_ptr<file> prepared_; // the segment after the current one
    std::uint64_t prepared_number_ = 0;
    std::mutex preparing_;          // held during a step, so that one thread prepares at a time
    unfinished_segment unfinished_; // guarded by preparing_
};

} // namespace stadion::dbserver
