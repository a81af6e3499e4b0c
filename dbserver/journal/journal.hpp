// The journal: numbered segments, zero-filled ahead, to which whole batches are written and synced.
//
// A write into blocks that were written before needs no change of the file system's own books, so that its
// fdatasync is one write to the disk; therefore a segment is filled with zeros before it is used, and the
// next one while this one fills.
//
// A write that fails is cut off again, and the cut synced: then nothing of it is left. A sync that fails is
// never tried again, for the system may have dropped what it could not write and report success the next time
// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020): what is on disk is then
// unknown until a new process reads it.
//
// Threads: append and close by the journal thread; prepare, remove_through and first_needed by the
// maintenance thread; both may run at once.
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
    std::uint64_t last_sequence = 0; // of the commits in it, or before it when it has none
    bool begun = false;              // a record in it is durable
};

// Where the next batch goes.
struct journal_position {
    std::uint64_t segment = 1;
    std::uint64_t offset = 0;
    std::uint32_t previous_crc = 0; // of the record before it in the segment
    std::uint64_t batch = 0;        // the last one written
    std::uint64_t sequence = 0;     // the last one written
};

class journal {
public:
    // After `unknown` nothing is written any more, and every answer is `unknown`.
    enum class written { durable, nothing, unknown };

    journal(files& on, layout where, std::uint64_t segment_bytes)
        : files_(on), where_(std::move(where)), segment_bytes_(segment_bytes) {}

    // Goes on from there; the segment is made when it does not exist. `before`: the segments that are kept.
    std::error_code begin(const journal_position& at, std::deque<segment_span> before);

    written append(std::string& records, std::uint64_t last_sequence, std::string& failure);
    written append_control(std::string_view line, std::string& failure);

    // Makes the next segment when there is none yet, or one step of that, so that others get to the disk
    // between two: the steps are over when it is prepared.
    std::error_code prepare();
    std::error_code prepare_a_step();
    bool is_prepared() const;
    // The current segment fills up faster than the next one is made.
    bool preparation_lags();
    // The first segment that has commits after this one; when there is none, the last that has any record,
    // for only a record tells where the journal stands.
    std::uint64_t first_needed(std::uint64_t after_sequence) const;
    std::error_code remove_before(std::uint64_t segment);

    std::uint64_t last_batch() const { return at_.batch; } // on the thread that appends
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
    std::error_code step(unfinished_segment& made);
    std::error_code make_segment(std::uint64_t number, std::unique_ptr<file>& made);
    std::error_code turn_over();
    written write_batch(std::string& records, std::uint64_t last_sequence, std::string& failure);
    written lose(std::string& failure, std::string_view what, std::error_code why);
    written cut_back(std::string& failure);

    files& files_;
    const layout where_;
    const std::uint64_t segment_bytes_;

    // The journal thread's.
    std::unique_ptr<file> file_;
    std::uint64_t allocated_ = 0;
    std::uint32_t seed_ = 0;
    journal_position at_;
    std::string lost_;                   // why it is not known any more what is on the disk
    std::atomic<std::uint64_t> used_{0}; // at_.offset, for others

    mutable std::mutex lock_;
    std::deque<segment_span> spans_; // the current one last
    std::unique_ptr<file> prepared_; // the segment after the current one
    std::uint64_t prepared_number_ = 0;
    std::mutex preparing_;          // held for a step of making a segment, so that one is made only once
    unfinished_segment unfinished_; // with that lock
};

} // namespace stadion::dbserver
