#include "dbserver/engine/json_store.hpp"

#include "dbserver/engine/opening.hpp"
#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/json_text.hpp"
#include "dbserver/table/planted_bug.hpp"

#include <algorithm>

#include <sys/resource.h>
#include <unistd.h>

namespace stadion::dbserver {
namespace {

json_store_options completed(json_store_options options) {
    if (!options.file_system) options.file_system = system_files();
    return options;
}

// Commits take precedence over checkpoints on the processor, but only a little: when checkpoints starve, the
// journal grows until updates are refused. On Linux each thread has its own niceness.
void lower_priority() {
    constexpr int niceness = 5;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

} // namespace

json_store::json_store(json_store_options options)
    : engine(options.engine, true),
      settings_(completed(std::move(options))),
      files_(settings_.file_system),
      where_{settings_.directory} {
    opening directory(*this, settings_, *files_, where_);
    opened_directory opened = directory.run();
    lock_file_ = std::move(opened.lock);
    journal_ = std::move(opened.log);
    checkpoints_ = std::move(opened.saved);
    unindexed_ = std::move(opened.unindexed);
    checkpoint_sequence_.store(checkpoints_->in_force().through);
    copy_index();
    directory.finish();
    start();
    if (settings_.maintain) maintenance_thread_ = std::thread([this] { maintain(); });
}

json_store::~json_store() { json_store::stop(); }

void json_store::stop() {
    std::lock_guard once(stop_once_lock_);
    if (std::exchange(stopped_, true)) return;
    {
        std::lock_guard hold(maintenance_lock_);
        maintenance_ends_ = true;
    }
    maintenance_wake_.notify_all();
    engine::stop();
    if (maintenance_thread_.joinable()) maintenance_thread_.join();
    if (current_condition() == condition::poisoned) return;
    std::string failure;
    if (checkpoint_now()) journal_->append_control(R"({"journal":"closed"})", failure);
}

json_store::written json_store::persist(std::string& records, std::uint64_t last_sequence,
                                        std::string& failure) {
    switch (journal_->append(records, last_sequence, failure)) {
    case journal::written::durable:
        return written::durable;
    case journal::written::nothing:
        return check_disk_space(), written::nothing;
    case journal::written::unknown:
        break;
    }
    return written::unknown;
}

wire::result<std::string> json_store::read_archive(const table& of, std::uint64_t bytes,
                                                   std::uint32_t crc) const {
    const std::string path = where_.history(of.name);
    std::unique_ptr<file> from;
    std::string text;
    std::error_code failure = files_->open(path, open_mode::read, from);
    if (!failure) failure = from->read_at(0, bytes, text);
    if (!failure && text.size() == bytes && crc32c(text) == crc) return text;
    return wire::make_error(wire::status::data_loss,
                            path + (failure ? " cannot be read: " + failure.message()
                                            : std::string(" does not match its checksum")));
}

wire::result<std::uint64_t> json_store::find_archived(std::uint64_t sequence) const {
    std::vector<saved_index> index;
    {
        std::lock_guard hold(index_lock_);
        index = index_;
    }
    return find_commit(*files_, where_, index, sequence);
}

void json_store::copy_index() {
    std::lock_guard hold(index_lock_);
    index_ = checkpoints_->in_force().index;
}

bool json_store::checkpoint_now(bool in_background) {
    std::lock_guard one_at_a_time(checkpoint_lock_);
    in_background_ = in_background;
    work_began_ = std::chrono::steady_clock::now();
    changed_since changes = take_changes();
    const manifest& before = checkpoints_->in_force();
    const bool nothing_new =
        changes.tables.empty() && changes.keys.empty() && changes.through == before.through;
    const bool is_current =
        before.number != 0 && before.format == format_number && checkpoints_->is_certain();
    if (nothing_new && is_current) return true;
    return save(std::move(changes));
}

bool json_store::save(changed_since changes) {
    checkpoint_to_save what;
    what.through = changes.through;
    what.at_us = changes.at_us;
    what.first_segment = journal_->first_needed(changes.through);
    what.frozen_since = changes.frozen_since.sequence;
    what.frozen_at_us = changes.frozen_since.at_us;
    what.now_us = now_us();
    what.commits = unindexed_;
    for (const auto& [in, snapshot] : changes.tables) {
        table_to_save& one = what.tables.emplace_back();
        one.name = in->name;
        one.snapshot = snapshot;
        std::lock_guard hold(in->lock);
        in->recent.list_through(snapshot->sequence(), in->number, what.commits);
        if (!planted(bug::forgets_history)) one.history = in->recent.text_through(snapshot->sequence());
    }
    what.secret = keys().secret();
    what.keys = std::move(changes.keys);
    what.sessions = std::move(changes.sessions);

    if (planted(bug::removes_segments_too_early)) journal_->remove_before(what.first_segment);
    const std::uint64_t number_before = checkpoints_->in_force().number;
    std::string failed_file;
    const std::error_code failure = checkpoints_->save(what, failed_file);
    if (checkpoints_->in_force().number != number_before) {
        for (const auto& [in, snapshot] : changes.tables) {
            const saved_table& saved = checkpoints_->in_force().tables.find(in->name)->second;
            std::string archived; // freed after the lock is released
            std::lock_guard hold(in->lock);
            in->archive_bytes = saved.history_bytes;
            in->archive_crc = saved.history_crc;
            archived = in->recent.drop_through(saved.history_last);
        }
        what.keys.clear(); // written
        unindexed_.clear();
        copy_index();
    }
    if (failure) {
        warn("checkpoint failed at " + failed_file + ": " + failure.message());
        changes.keys = std::move(what.keys);
        give_back(std::move(changes));
        return false;
    }
    checkpoint_sequence_.store(changes.through, std::memory_order_relaxed);
    if (const auto left = journal_->remove_before(what.first_segment))
        warn("cannot remove old segments of the journal: " + left.message());
    return true;
}

// A checkpoint without pauses would delay every commit meanwhile. So it works a fifth of the time, in short
// stretches, unless the journal has grown so long that the checkpoint is more urgent.
void json_store::pause_for_commits() {
    using namespace std::chrono_literals;
    using clock = std::chrono::steady_clock;
    constexpr clock::duration stretch = 500us, rest_max = 100ms;
    const auto worked = clock::now() - work_began_;
    if (!in_background_ || worked < stretch) return;
    if (current_condition() == condition::serving) prepare_a_step();
    if (current_condition() == condition::serving && journal_->segments() <= settings_.segments_max / 2) {
        std::unique_lock hold(maintenance_lock_);
        maintenance_wake_.wait_for(hold, std::min(4 * worked, rest_max),
                                   [this] { return maintenance_ends_; });
    }
    work_began_ = clock::now();
}

void json_store::prepare_segment() {
    if (const auto failure = journal_->prepare()) note_segment_failure(failure);
}

void json_store::prepare_a_step() {
    do
        if (const auto failure = journal_->prepare_a_step()) return note_segment_failure(failure);
    while (journal_->preparation_lags());
}

void json_store::note_segment_failure(std::error_code why) {
    set_condition(condition::disk_full,
                  "the journal's next segment cannot be made in " + where_.journal() + ": " + why.message());
}

std::uint64_t json_store::reserve_bytes() const { return 3 * journal_->segment_bytes(); }

// Updates are refused while less than the reserve is free, which leaves room for a checkpoint and two
// segments.
void json_store::check_disk_space() {
    const condition now = current_condition();
    if (now != condition::serving && now != condition::disk_full) return;
    set_congested(journal_->segments() > settings_.segments_max);
    std::uint64_t free = 0;
    if (files_->free_bytes(where_.root, free)) return;
    if (free < reserve_bytes()) {
        set_condition(condition::disk_full, "the disk of " + where_.root +
                                                " is full: " + std::to_string(free) +
                                                " bytes are left of the " + std::to_string(reserve_bytes()) +
                                                " kept in reserve; updates are refused until there is more");
    } else if (now == condition::disk_full && !journal_->prepare()) {
        set_condition(condition::serving, "");
    }
}

void json_store::maintain() {
    using namespace std::chrono_literals;
    using clock = std::chrono::steady_clock;
    constexpr auto between_steps = 2ms; // of filling a segment: at most 125 MiB a second
    lower_priority();
    auto next_checkpoint = clock::now() + settings_.checkpoint_every;
    bool made = true; // a failed checkpoint is not repeated at once
    std::unique_lock hold(maintenance_lock_);
    while (!maintenance_ends_) {
        hold.unlock();
        check_disk_space();
        if (current_condition() == condition::serving) prepare_a_step();
        if (clock::now() >= next_checkpoint || (made && journal_->segments() > 2)) {
            made = current_condition() != condition::poisoned && checkpoint_now(true);
            next_checkpoint = clock::now() + settings_.checkpoint_every;
        }
        hold.lock();
        const bool steps_are_left = current_condition() == condition::serving && !journal_->is_prepared();
        if (!maintenance_ends_)
            maintenance_wake_.wait_for(hold, steps_are_left ? between_steps : settings_.disk_check_every);
    }
}

health_report json_store::health() const {
    health_report report = engine::health();
    report.checkpoint_sequence = checkpoint_sequence_.load(std::memory_order_relaxed);
    report.segments = journal_->segments();
    return report;
}

} // namespace stadion::dbserver
