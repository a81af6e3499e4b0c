#include "dbserver/engine/opening.hpp"

#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/history.hpp"
#include "dbserver/table/json_text.hpp"
#include "dbserver/table/planted_bug.hpp"
#include "dbserver/table/state_json.hpp"
#include "wire/retry_key.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <random>

#include <unistd.h>

namespace stadion::dbserver {
namespace {

hash_key random_secret() {
    std::random_device random;
    const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
    return {word(), word()};
}

} // namespace

void opening::throw_if(std::error_code failure, const std::string& what) const {
    if (failure) throw store_unavailable(what + ": " + failure.message());
}

void opening::stop_at_damage() const {
    if (!damage_.empty()) throw store_damaged(damage_, where_.root);
}

opening::opening(json_store& into, const json_store_options& settings, files& on, const layout& where)
    : store_(into), settings_(settings), files_(on), where_(where) {}

opened_directory opening::run() {
    throw_if(files_.make_directory(where_.root), "cannot make the data directory " + where_.root);
    take_lock();
    check_format();
    make_directories();
    choose_segment_size();
    read_checkpoint();
    if (!salvaging()) stop_at_damage();
    for (const damage& found : damage_) set_aside(found);
    damage_.clear();
    if (checkpoint_lost_) salvage_all_tables();
    remove_leftovers();
    if (salvaging())
        salvage_journal();
    else
        replay_journal();
    return std::move(opened_);
}

void opening::finish() {
    if (salvaging()) return end_salvage();
    if (is_former_) end_migration();
}

void opening::take_lock() {
    auto& lock = opened_.lock;
    throw_if(files_.open(where_.lock(), open_mode::create, lock),
             "cannot open the lock file " + where_.lock());
    if (const auto failure = lock->try_lock()) {
        std::string holder;
        lock->read_at(0, 32, holder);
        while (!holder.empty() && holder.back() == '\n') holder.pop_back();
        throw store_unavailable("the data directory " + where_.root + " is in use by process " +
                                (holder.empty() ? "(unknown)" : holder) + "; its lock is " + where_.lock());
    }
    const std::string own = std::to_string(::getpid()) + "\n";
    throw_if(lock->truncate(0), "cannot write the lock file " + where_.lock());
    throw_if(write_all(*lock, 0, own), "cannot write the lock file " + where_.lock());
}

void opening::check_format() {
    std::string text;
    const auto failure = read_all(files_, where_.format(), text);
    if (failure == std::errc::no_such_file_or_directory) return write_format();
    throw_if(failure, "cannot read " + where_.format());
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number == 0)
        throw store_damaged({{where_.format(), 0, {}, "does not begin with a format number"}}, where_.root);
    if (number > format_number)
        throw store_unavailable(where_.format() + " says format " + std::to_string(number) +
                                "; this program knows formats up to " + std::to_string(format_number) +
                                ": use the program that wrote it, or a later one");
    if (number == 1 && !read_all(files_, where_.checkpoint(), text))
        throw store_damaged({{where_.format(), 0, {}, "says format 1, which has no " + where_.checkpoint()}},
                            where_.root);
    if (number == 1) migrate(number);
    if (number == 2)
        write_format(); // before any other change; the format in checkpoint.jsonl tells when it is done
}

void opening::write_format() {
    const std::string fresh = temporary_path(where_.format());
    const std::string text = std::to_string(format_number) + "\n" + settings_.program + "\n";
    throw_if(write_new(files_, fresh, text), "cannot write " + fresh);
    throw_if(files_.rename(fresh, where_.format()), "cannot write " + where_.format());
    throw_if(files_.sync_directory(where_.root), "cannot sync " + where_.root);
}

void opening::make_directories() {
    for (const std::string& path :
         {where_.tables(), where_.tables() + "/games", where_.tables() + "/teams", where_.histories(),
          where_.histories() + "/games", where_.histories() + "/teams", where_.keys(), where_.index(),
          where_.journal()})
        throw_if(files_.make_directory(path), "cannot make " + path);
    for (const std::string& path : {where_.tables(), where_.histories(), where_.root})
        throw_if(files_.sync_directory(path), "cannot sync " + path);
}

// On a small disk segments are small, because the reserve is three of them.
void opening::choose_segment_size() {
    constexpr std::uint64_t segment_bytes_min = 64u << 10;
    std::uint64_t bytes = settings_.segment_bytes;
    std::uint64_t free = 0;
    if (!files_.free_bytes(where_.root, free) && free / 16 < bytes)
        bytes = std::min(bytes, std::max(segment_bytes_min, std::bit_floor(free / 16)));
    opened_.log = std::make_unique<journal>(files_, where_, bytes);
    const auto kept_us =
        std::chrono::duration_cast<std::chrono::microseconds>(store_.options().idempotency_kept);
    opened_.saved = std::make_unique<checkpoints>(files_, where_, kept_us.count(), settings_.key_file_bytes,
                                                  [&store = store_] { store.pause_for_commits(); });
}

void opening::read_checkpoint() {
    std::string text;
    const auto failure = read_all(files_, where_.checkpoint(), text);
    if (failure == std::errc::no_such_file_or_directory) {
        for (const char* kind : {"/games", "/teams"}) {
            std::vector<std::string> names;
            throw_if(files_.list(where_.tables() + kind, names), "cannot read " + where_.tables() + kind);
            if (std::any_of(names.begin(), names.end(), [](auto& name) { return name.ends_with(".json"); })) {
                checkpoint_lost_ = true;
                store_.restore_secret(random_secret());
                return note({where_.checkpoint(), 0, {}, "is missing, but there are table files"});
            }
        }
        return store_.restore_secret(random_secret());
    }
    throw_if(failure, "cannot read " + where_.checkpoint());
    if (!from_text(text, manifest_)) {
        manifest_ = {};
        checkpoint_lost_ = true;
        store_.restore_secret(random_secret());
        return note({where_.checkpoint(), 0, {}, "does not match its checksum"});
    }
    store_.restore_time(std::max(manifest_.at_us, manifest_.frozen_at_us));
    is_former_ = manifest_.format < format_number;
    rebuilds_index_ = is_former_ || salvaging();
    read_index();
    if (is_former_) find_clashes();
    for (auto& [name, saved] : manifest_.tables) {
        if (clashing_.contains(name)) continue;
        const std::size_t damage_before = damage_.size();
        read_table(name, saved);
        if (salvaging() && damage_.size() > damage_before) salvage_table(name, saved);
    }
    if (!manifest_.secret) manifest_.secret = random_secret();
    store_.restore_secret(*manifest_.secret);
    for (const saved_keys& saved : manifest_.keys) read_keys(saved);
    read_sessions();
    separate_clashes();
    if (renamed_)
        for (const char* kind : {"/games", "/teams"})
            throw_if(files_.sync_directory(where_.tables() + kind), "cannot sync " + where_.tables() + kind);
    if (manifest_.frozen_since != 0 && (damage_.empty() || salvaging()))
        if (const auto frozen = store_.restore_frozen({manifest_.frozen_since, manifest_.frozen_at_us});
            !frozen)
            note({where_.histories(), 0, {}, frozen.error().message});
}

bool opening::read_matching(const std::string& path, std::uint64_t bytes, std::uint32_t crc,
                            std::string& text) {
    std::unique_ptr<file> from;
    if (files_.open(path, open_mode::read, from)) return false;
    return !from->read_at(0, bytes, text) && text.size() == bytes &&
           (crc32c(text) == crc || planted(bug::ignores_file_checksum));
}

void opening::read_index() {
    if (rebuilds_index_) return manifest_.index.clear();
    std::string records;
    for (const saved_index& one : manifest_.index)
        if (const std::string path = where_.index_file(one.number);
            !read_matching(path, one.bytes, one.crc, records))
            note({path, 0, {}, "is missing or does not match its checksum in " + where_.checkpoint()});
}

std::string opening::table_path(std::string_view name) const {
    return is_former_ ? where_.former_table(name) : where_.table(name);
}

std::string opening::history_path(std::string_view name) const {
    return is_former_ ? where_.former_history(name) : where_.history(name);
}

void opening::note_commits(const table& of, std::string_view lines) {
    if (!rebuilds_index_) return;
    for_each_line(lines, [&](std::string_view, std::uint64_t sequence) {
        opened_.unindexed.push_back({sequence, of.number});
    });
}

void opening::read_table(const std::string& name, saved_table& saved) {
    const std::string path = table_path(name);
    std::string text;
    // Reads one byte more than expected, so that a longer file does not match.
    std::unique_ptr<file> from;
    bool matches = !files_.open(path, open_mode::read, from) && !from->read_at(0, saved.bytes + 1, text) &&
                   text.size() == saved.bytes && crc32c(text) == saved.crc;
    if (!matches) {
        const std::string temporary = temporary_table_path(path, saved.checkpoint);
        if (!read_matching(temporary, saved.bytes, saved.crc, text))
            return note(
                {path, 0, {name}, "is missing or does not match its checksum in " + where_.checkpoint()});
        throw_if(files_.rename(temporary, path), "cannot rename " + temporary);
        renamed_ = true;
    }
    const auto read = state_from_json(text);
    if (!read || read->table() != name || read->sequence() != saved.sequence ||
        read->version() != saved.version)
        return note({path, 0, {name}, "is not the table that " + where_.checkpoint() + " says it is"});
    std::string history;
    if (saved.history_bytes > 0 &&
        !read_matching(history_path(name), saved.history_bytes, saved.history_crc, history))
        return note({history_path(name),
                     0,
                     {name},
                     "is missing or does not match its checksum in " + where_.checkpoint()});
    table& in = store_.restore(read);
    if (path != where_.table(name)) {
        store_.rewrite_history(in, history);
        saved.history_bytes = saved.history_crc = saved.history_last = 0;
        return;
    }
    note_commits(in, history);
    in.archive_bytes = saved.history_bytes;
    in.archive_crc = saved.history_crc;
}

void opening::read_keys(const saved_keys& saved) {
    if (saved.is_text) return read_former_keys(saved);
    const std::string path = where_.key_file(saved.number);
    std::string bytes;
    if (!read_matching(path, saved.bytes, saved.crc, bytes) || bytes.size() % sizeof(key_record) != 0)
        return note({path, 0, {}, "is missing or does not match its checksum in " + where_.checkpoint()});
    const auto kept_us = [&](const key_record& one) {
        return std::chrono::microseconds(one.is_retry_key != 0 ? wire::retry_key_kept
                                                               : store_.options().idempotency_kept)
            .count();
    };
    const std::int64_t now_us = store_.now_us();
    key_record record;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof record) {
        std::memcpy(&record, bytes.data() + at, sizeof record);
        if (record.at_us + kept_us(record) > now_us) store_.restore_key(record);
    }
}

void opening::read_sessions() {
    const saved_sessions& saved = manifest_.sessions;
    if (saved.checkpoint == 0) return;
    const std::string path = where_.sessions_file(saved.checkpoint);
    std::string text;
    std::vector<saved_session> sessions;
    if (!read_matching(path, saved.bytes, saved.crc, text) || !from_text(text, sessions))
        return note({path, 0, {}, "is missing or does not match its checksum in " + where_.checkpoint()});
    for (const saved_session& one : sessions) store_.restore_session(one);
}

// Removes temporary files of unfinished checkpoints, and segments that the checkpoint in force does not need.
// The directory is shared with the dispatcher, so only files of ours are removed.
void opening::remove_leftovers() {
    for (const std::string& fresh : {temporary_path(where_.format()), temporary_path(where_.checkpoint())})
        files_.remove(fresh);
    for (const std::string& path : {where_.tables() + "/games", where_.tables() + "/teams"}) {
        std::vector<std::string> names;
        throw_if(files_.list(path, names), "cannot read " + path);
        for (const std::string& name : names)
            if (is_temporary_table(name)) files_.remove(path + "/" + name);
    }
    std::vector<std::string> names;
    throw_if(files_.list(where_.journal(), names), "cannot read " + where_.journal());
    for (const std::string& name : names)
        if (const auto number = file_number(name, ".log");
            number && *number < manifest_.first_segment && clashing_.empty())
            files_.remove(where_.journal() + "/" + name);
    if (!rebuilds_index_ && manifest_.number != 0) remove_former_files(manifest_.index);
}

void opening::replay_journal() {
    store_.restore_sequence(manifest_.through);
    std::vector<damage> passed_over;
    const auto visit = [this](const record& one) { return replay_record(one); };
    recovery_request what{manifest_.first_segment, manifest_.through, false, false};
    if (!clashing_.empty()) what.first_segment = 0, what.shows_earlier = true;
    auto read = read_journal(files_, where_, what, visit, passed_over);
    if (const damage* found = std::get_if<damage>(&read)) {
        note(*found);
        stop_at_damage();
    }
    const journal_end& end = std::get<journal_end>(read);
    if (!end.spans.empty() && end.position.sequence < manifest_.through) {
        note({where_.segment(end.position.segment),
              end.position.offset,
              {},
              "the journal ends at commit " + std::to_string(end.position.sequence) +
                  ", before the checkpoint's " + std::to_string(manifest_.through)});
        stop_at_damage();
    }
    repair(end);
    std::erase_if(manifest_.tables, [&](const auto& saved) {
        return clashing_.contains(saved.first) && !store_.tables().find(saved.first);
    });
    opened_.saved->begin(std::move(manifest_));
}

// The last batch may have been read from the page cache only. It is written and synced again before anything
// is answered from it.
void opening::repair(const journal_end& end) {
    for (const std::uint64_t number : end.unused)
        throw_if(files_.remove(where_.segment(number)), "cannot remove " + where_.segment(number));
    const auto rewrite = [&](std::uint64_t segment, auto change) {
        std::unique_ptr<file> in;
        const std::string path = where_.segment(segment);
        throw_if(files_.open(path, open_mode::write, in), "cannot open " + path);
        throw_if(change(*in), "cannot repair " + path);
        throw_if(in->sync(), "cannot sync " + path);
    };
    const journal_position& at = end.position;
    if (end.torn) {
        const std::string path = where_.segment(at.segment);
        keep_broken_copy(path, at.offset + end.torn_bytes);
        store_.warn(
            path + ", byte " + std::to_string(at.offset) +
            ": the last write was not finished before a crash, and was never acknowledged; it was cut off, "
            "a copy is in " +
            path + ".broken");
        if (!planted(bug::leaves_torn_tail))
            rewrite(at.segment, [&](file& in) { return in.truncate(at.offset); });
    }
    if (!end.last_batch.empty() && !planted(bug::no_rewrite_after_unclean))
        rewrite(end.last_batch_segment,
                [&](file& in) { return write_all(in, end.last_batch_offset, end.last_batch); });
    throw_if(files_.sync_directory(where_.journal()), "cannot sync " + where_.journal());

    journal_position from = at;
    if (end.spans.empty()) {
        from.sequence = manifest_.through;
        from.segment = std::max<std::uint64_t>(1, manifest_.first_segment);
    }
    throw_if(opened_.log->begin(from, end.spans), "cannot open the journal in " + where_.journal());
    std::string failure;
    if (opened_.log->append_control(R"({"journal":"opened"})", failure) != journal::written::durable)
        throw store_unavailable(failure);
    name_opening();
}

// No other opening of this directory has this batch. The random bits tell apart copies of the directory.
void opening::name_opening() { store_.set_opening(opened_.log->last_batch() << 32 | std::random_device()()); }

void opening::keep_broken_copy(const std::string& path, std::uint64_t bytes) {
    std::unique_ptr<file> from;
    std::string text;
    throw_if(files_.open(path, open_mode::read, from), "cannot read " + path);
    throw_if(from->read_at(0, bytes, text), "cannot read " + path);
    throw_if(write_new(files_, path + ".broken", text), "cannot write " + path + ".broken");
    throw_if(files_.sync_directory(directory_of(path)), "cannot sync " + directory_of(path));
}

} // namespace stadion::dbserver
