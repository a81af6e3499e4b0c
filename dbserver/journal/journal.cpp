#include "dbserver/journal/journal.hpp"

#include "dbserver/journal/record.hpp"
#include "dbserver/table/planted_bug.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

constexpr std::size_t fill_bytes = 256u << 10;

std::string message_of(std::string_view what, const std::string& file, std::error_code why) {
    return std::string(what) + " " + file + ": " + why.message();
}

} // namespace

std::error_code journal::begin(const journal_position& at, std::deque<segment_span> before) {
    at_ = at;
    used_.store(at.offset, std::memory_order_relaxed);
    seed_ = segment_seed(at.segment);
    if (at.offset == 0) at_.previous_crc = seed_;
    spans_ = std::move(before);
    for (segment_span& one : spans_) one.begun = true;
    if (spans_.empty() || spans_.back().number != at.segment) spans_.push_back({at.segment, at.sequence});
    spans_.back().begun = at.offset > 0;
    const std::error_code missing = files_.open(where_.segment(at.segment), open_mode::write, file_);
    if (missing == std::errc::no_such_file_or_directory) {
        allocated_ = segment_bytes_;
        return make_segment(at.segment, file_);
    }
    if (missing) return missing;
    return file_->size(allocated_);
}

std::error_code journal::begin_segment(unfinished_segment& made) {
    if (const auto failure = files_.open(where_.segment(made.number), open_mode::create, made.at))
        return failure;
    return made.at->allocate(segment_bytes_);
}

// In small pieces, each synced, because the sync of a commit would wait for all that was written before.
std::error_code journal::fill_segment(unfinished_segment& made) {
    static const std::string zeros(fill_bytes, '\0');
    const auto some = std::string_view(zeros).substr(0, segment_bytes_ - made.filled);
    if (const auto failure = write_all(*made.at, made.filled, some)) return failure;
    if (const auto failure = made.at->sync_data()) return failure;
    made.filled += some.size();
    if (made.filled < segment_bytes_) return {};
    if (const auto failure = made.at->sync()) return failure;
    return files_.sync_directory(where_.journal());
}

std::error_code journal::fill_step(unfinished_segment& made) {
    std::error_code failure;
    if (!made.at) failure = begin_segment(made);
    if (!failure) failure = fill_segment(made);
    if (failure) {
        files_.remove(where_.segment(made.number));
        made = {};
    }
    return failure;
}

std::error_code journal::make_segment(std::uint64_t number, std::unique_ptr<file>& made) {
    unfinished_segment fresh{number, nullptr, 0};
    while (fresh.filled < segment_bytes_)
        if (const auto failure = fill_step(fresh)) return failure;
    made = std::move(fresh.at);
    return {};
}

std::error_code journal::prepare_a_step() {
    std::lock_guard one_at_a_time(preparing_);
    {
        std::lock_guard hold(lock_);
        if (prepared_) return {};
        unfinished_.number = spans_.back().number + 1;
    }
    if (const auto failure = fill_step(unfinished_)) return failure;
    if (unfinished_.filled < segment_bytes_) return {};
    std::lock_guard hold(lock_);
    prepared_ = std::move(unfinished_.at);
    prepared_number_ = unfinished_.number;
    unfinished_ = {};
    return {};
}

std::error_code journal::prepare() {
    while (!is_prepared())
        if (const auto failure = prepare_a_step()) return failure;
    return {};
}

bool journal::preparation_lags() {
    std::lock_guard one_at_a_time(preparing_);
    return !is_prepared() && unfinished_.filled < used_.load(std::memory_order_relaxed) + segment_bytes_ / 8;
}

bool journal::is_prepared() const {
    std::lock_guard hold(lock_);
    return prepared_ != nullptr;
}

std::error_code journal::switch_segment() {
    if (const auto failure = prepare()) return failure;
    std::lock_guard hold(lock_);
    file_ = std::move(prepared_);
    at_.segment = prepared_number_;
    at_.offset = 0;
    used_.store(0, std::memory_order_relaxed);
    seed_ = at_.previous_crc = segment_seed(at_.segment);
    allocated_ = segment_bytes_;
    spans_.push_back({at_.segment, at_.sequence});
    return {};
}

journal::written journal::append(std::string& records, std::uint64_t last_sequence, std::string& failure) {
    if (!poison_reason_.empty()) return failure = poison_reason_, written::unknown;
    if (at_.offset > 0 && at_.offset + records.size() > allocated_)
        if (const auto why = switch_segment()) {
            failure =
                message_of("cannot make the journal's next segment after", where_.segment(at_.segment), why);
            return written::nothing;
        }
    // A segment begins with one small record, durable before any other. So a torn batch always has a record
    // before it, which tells the torn batch's number.
    if (at_.offset == 0)
        if (const written begun = append_control(R"({"segment":"begins"})", failure);
            begun != written::durable)
            return begun;
    return write_batch(records, last_sequence, failure);
}

journal::written journal::write_batch(std::string& records, std::uint64_t last_sequence,
                                      std::string& failure) {
    if (!poison_reason_.empty()) return failure = poison_reason_, written::unknown;
    const std::uint32_t crc = seal_records(records, at_.batch + 1, seed_, at_.previous_crc);
    if (const auto unwritten = write_all(*file_, at_.offset, records)) {
        failure = message_of("cannot write to", where_.segment(at_.segment), unwritten);
        return cut_back(failure);
    }
    auto why = planted(bug::answers_before_sync) ? std::error_code{} : file_->sync_data();
    if (why && planted(bug::retries_failed_sync)) why = file_->sync_data();
    if (why) return poison(failure, "cannot sync", why);
    at_.offset += records.size();
    used_.store(at_.offset, std::memory_order_relaxed);
    at_.previous_crc = crc;
    at_.sequence = last_sequence;
    ++at_.batch;
    std::lock_guard hold(lock_);
    spans_.back().last_sequence = last_sequence;
    spans_.back().begun = true;
    return written::durable;
}

journal::written journal::append_control(std::string_view line, std::string& failure) {
    std::string records;
    const std::size_t begun_at = begin_record(records);
    records += line;
    end_record(records, begun_at, at_.sequence, control_record);
    return write_batch(records, at_.sequence, failure);
}

// The truncation also removes the zeros behind it, so that the next batch goes to a new segment.
journal::written journal::cut_back(std::string& failure) {
    std::error_code why = file_->truncate(at_.offset);
    if (!why) why = file_->sync_data();
    allocated_ = at_.offset;
    if (!why) return written::nothing;
    return poison(failure, failure + "; and cannot cut it back in", why);
}

journal::written journal::poison(std::string& failure, std::string_view what, std::error_code why) {
    failure = poison_reason_ = message_of(what, where_.segment(at_.segment), why);
    return written::unknown;
}

std::uint64_t journal::first_needed(std::uint64_t after_sequence) const {
    std::lock_guard hold(lock_);
    for (const segment_span& one : spans_)
        if (one.last_sequence > after_sequence) return one.number;
    const auto last =
        std::find_if(spans_.rbegin(), spans_.rend(), [](const segment_span& one) { return one.begun; });
    return last == spans_.rend() ? spans_.front().number : last->number;
}

std::error_code journal::remove_before(std::uint64_t segment) {
    for (;;) {
        std::uint64_t number = 0;
        {
            std::lock_guard hold(lock_);
            if (spans_.size() < 2 || spans_.front().number >= segment) return {};
            number = spans_.front().number;
        }
        if (const auto failure = files_.remove(where_.segment(number));
            failure && failure != std::errc::no_such_file_or_directory)
            return failure;
        std::lock_guard hold(lock_);
        spans_.pop_front();
    }
}

std::size_t journal::segments() const {
    std::lock_guard hold(lock_);
    return spans_.size();
}

} // namespace stadion::dbserver
