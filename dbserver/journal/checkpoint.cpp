#include "dbserver/journal/checkpoint.hpp"

#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/planted_bug.hpp"
#include "dbserver/table/state_json.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

constexpr std::int64_t key_file_us_max = 3'600'000'000; // a key file has the keys of at most an hour

} // namespace

std::string checkpoints::temporary_table(const layout& where, std::string_view table,
                                         std::uint64_t checkpoint) {
    return temporary_table_path(where.table(table), checkpoint);
}

std::error_code checkpoints::save(const checkpoint_to_save& what, std::string& failed_file) {
    failed_file = where_.root;
    if (!certain_)
        if (const auto failure = files_.sync_directory(where_.root)) return failure;
    manifest next = in_force_;
    next.format = format_number;
    next.number = last_number_ = std::max(last_number_, in_force_.number) + 1;
    next.through = what.through;
    next.at_us = what.at_us;
    next.first_segment = what.first_segment;
    next.frozen_since = planted(bug::forgets_freeze) ? 0 : what.frozen_since;
    next.frozen_at_us = what.frozen_at_us;
    std::vector<std::string> outdated = std::exchange(temporary_tables_, {});
    const std::string fresh = temporary_path(where_.checkpoint());
    std::error_code failure = write_files(what, next, failed_file);
    if (!failure) failed_file = where_.checkpoint(), failure = write_new(files_, fresh, to_text(next));
    if (failure) {
        remove_all(temporary_tables_); // no manifest names them
        temporary_tables_ = std::move(outdated);
        return failure;
    }

    for (const saved_keys& one : in_force_.keys)
        if (std::none_of(next.keys.begin(), next.keys.end(), [&](const saved_keys& kept) {
                return kept.number == one.number && kept.is_text == one.is_text;
            }))
            outdated.push_back(one.is_text ? where_.former_key_file(one.number)
                                           : where_.key_file(one.number));
    if (in_force_.sessions.checkpoint != 0)
        outdated.push_back(where_.sessions_file(in_force_.sessions.checkpoint));
    outdated_.insert(outdated_.end(), outdated.begin(), outdated.end());
    if (!planted(bug::goes_back_to_a_checkpoint)) in_force_ = next, certain_ = false;
    if ((failure = files_.rename(fresh, where_.checkpoint()))) return failure;
    if ((failure = files_.sync_directory(where_.root))) return failure;
    in_force_ = std::move(next);
    certain_ = true;
    remove_all(outdated_);
    return rename_tables(what, failed_file);
}

std::error_code checkpoints::write_files(const checkpoint_to_save& what, manifest& next,
                                         std::string& failed_file) {
    unsynced_.clear();
    for (const table_to_save& one : what.tables)
        if (const auto failure = write_table(one, next, failed_file)) return failure;
    if (const auto failure = write_keys(what, next, failed_file)) return failure;
    if (const auto failure = write_sessions(what, next, failed_file)) return failure;
    if (const auto failure = write_index(what, next, failed_file)) return failure;
    if (const auto failure = sync_pending(failed_file)) return failure;
    if (const auto failure = sync_directories(failed_file)) return failure;
    if (planted(bug::renames_before_manifest))
        for (const table_to_save& one : what.tables)
            files_.rename(temporary_table(where_, one.name, next.number), where_.table(one.name));
    return {};
}

std::error_code checkpoints::write_table(const table_to_save& what, manifest& next,
                                         std::string& failed_file) {
    saved_table& one = next.tables[what.name];
    if (!what.history.empty())
        if (const auto failure = append_to_file(where_.history(what.name), one.history_bytes, one.history_crc,
                                                what.history, failed_file))
            return failure;
    const std::string text = to_table_file(*what.snapshot);
    one.bytes = 0;
    one.crc = 0;
    const std::string path = temporary_table(where_, what.name, next.number);
    temporary_tables_.push_back(path);
    if (const auto failure = append_to_file(path, one.bytes, one.crc, text, failed_file)) return failure;
    between_files_();
    one.sequence = what.snapshot->sequence();
    one.version = what.snapshot->version();
    one.checkpoint = next.number;
    one.history_last = one.sequence;
    return {};
}

// Keeps the first `bytes` of the file, cuts off the rest, and appends `by`.
std::error_code checkpoints::append_to_file(const std::string& path, std::uint64_t& bytes, std::uint32_t& crc,
                                            std::string_view by, std::string& failed_file) {
    failed_file = path;
    std::unique_ptr<file> to;
    if (const auto failure = files_.open(path, open_mode::create, to)) return failure;
    if (const auto failure = to->truncate(bytes)) return failure;
    if (const auto failure = write_all(*to, bytes, by)) return failure;
    bytes += by.size();
    crc = crc32c_extend(crc, by);
    return sync_later(path, std::move(to), failed_file);
}

// Syncing files one after the other makes the file system commit its own journal for each. When their writing
// is started together, they share commits. Measured: 256 files in half the time.
std::error_code checkpoints::sync_later(std::string path, std::unique_ptr<file> written,
                                        std::string& failed_file) {
    constexpr std::size_t unsynced_max = 128;
    unsynced_.emplace_back(std::move(path), std::move(written));
    return unsynced_.size() < unsynced_max ? std::error_code{} : sync_pending(failed_file);
}

std::error_code checkpoints::sync_pending(std::string& failed_file) {
    for (const auto& [path, written] : unsynced_) written->start_sync();
    for (const auto& [path, written] : unsynced_) {
        failed_file = path;
        if (const auto failure = written->sync()) return failure;
        between_files_();
    }
    unsynced_.clear();
    return {};
}

std::error_code checkpoints::write_keys(const checkpoint_to_save& what, manifest& next,
                                        std::string& failed_file) {
    next.secret = what.secret;
    std::erase_if(next.keys, [&](const saved_keys& one) {
        return one.is_text || one.newest_us + keys_kept_us_ <= what.now_us;
    });
    if (what.keys.empty() || planted(bug::loses_keys_at_checkpoint)) return {};
    const auto [oldest, newest] =
        std::minmax_element(what.keys.begin(), what.keys.end(),
                            [](const key_record& a, const key_record& b) { return a.at_us < b.at_us; });
    if (next.keys.empty() || next.keys.back().bytes >= key_file_bytes_ ||
        next.keys.back().oldest_us + key_file_us_max <= newest->at_us) {
        saved_keys& fresh = next.keys.emplace_back();
        fresh.number = ++next.key_files;
        fresh.oldest_us = oldest->at_us;
    }
    saved_keys& one = next.keys.back();
    one.newest_us = std::max(one.newest_us, newest->at_us);
    const std::string_view bytes(reinterpret_cast<const char*>(what.keys.data()),
                                 what.keys.size() * sizeof(key_record));
    return append_to_file(where_.key_file(one.number), one.bytes, one.crc, bytes, failed_file);
}

std::error_code checkpoints::write_sessions(const checkpoint_to_save& what, manifest& next,
                                            std::string& failed_file) {
    next.sessions = {};
    if (what.sessions.empty() || planted(bug::loses_sessions_at_checkpoint)) return {};
    next.sessions.checkpoint = next.number;
    return append_to_file(where_.sessions_file(next.number), next.sessions.bytes, next.sessions.crc,
                          to_text(what.sessions), failed_file);
}

std::error_code checkpoints::write_index(const checkpoint_to_save& what, manifest& next,
                                         std::string& failed_file) {
    if (what.commits.empty()) return {};
    const std::string records = index_records(what.commits);
    if (next.index.empty() || next.index.back().bytes >= key_file_bytes_)
        next.index.emplace_back().number = ++next.index_files;
    saved_index& one = next.index.back();
    if (const auto failure =
            append_to_file(where_.index_file(one.number), one.bytes, one.crc, records, failed_file))
        return failure;
    const auto [first, last] = std::minmax_element(
        what.commits.begin(), what.commits.end(),
        [](const indexed_commit& a, const indexed_commit& b) { return a.sequence < b.sequence; });
    if (one.first == 0) one.first = first->sequence;
    one.last = last->sequence;
    return {};
}

std::error_code checkpoints::sync_directories(std::string& failed_file) {
    if (planted(bug::no_directory_sync)) return {};
    for (const std::string& path :
         {where_.tables() + "/games", where_.tables() + "/teams", where_.histories() + "/games",
          where_.histories() + "/teams", where_.keys(), where_.index()}) {
        failed_file = path;
        if (const auto failure = files_.sync_directory(path)) return failure;
    }
    return {};
}

// A file that cannot be renamed keeps its temporary name. Opening finds it there.
std::error_code checkpoints::rename_tables(const checkpoint_to_save& what, std::string& failed_file) {
    if (planted(bug::renames_before_manifest)) return sync_directories(failed_file);
    std::error_code first;
    for (const table_to_save& one : what.tables) {
        const std::string from = temporary_table(where_, one.name, in_force_.number);
        const auto failure = files_.rename(from, where_.table(one.name));
        if (failure && !first) first = failure, failed_file = from;
        between_files_();
    }
    if (first) return first;
    temporary_tables_.clear();
    return sync_directories(failed_file);
}

void checkpoints::remove_all(std::vector<std::string>& paths) {
    for (const std::string& path : paths) files_.remove(path);
    paths.clear();
}

} // namespace stadion::dbserver
