// Checkpoints: the tables as files, and a manifest that says what these files hold.
//
// The problem: a checkpoint changes many files - the JSON and the history of each changed table, and the key
// files. It must come into force as a whole or not at all. Meanwhile every table file must stay readable.
//
// So the new table files are written and synced under temporary names. Histories, keys and the index grow at
// their ends, beyond what the previous manifest covers. Then the manifest, checkpoint.jsonl, which has the
// length and checksum of every file, is replaced by one rename. At that moment the checkpoint is in force.
// Then the new table files are renamed into place; opening completes these renames after a crash. Last, the
// caller removes the segments of the journal that are not needed any more.
//
// When the rename of the manifest or the sync after it fails, either of the two manifests may be on the disk.
// Until a later checkpoint is in force for certain, no byte that either of them covers is changed. Histories
// and keys grow on from the newer one, tables keep their temporary names, and nothing is removed.
//
// Threads: used by one thread at a time.
#pragma once

#include "dbserver/journal/commit_index.hpp"
#include "dbserver/journal/files.hpp"
#include "dbserver/journal/layout.hpp"
#include "dbserver/table/idempotency.hpp"
#include "dbserver/table/state.hpp"
#include "dbserver/table/write_sessions.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace stadion::dbserver {

struct saved_table {
    std::uint64_t sequence = 0;
    std::uint32_t version = 0;
    std::uint64_t checkpoint = 0; // number of the checkpoint that wrote the file
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint64_t history_bytes = 0;
    std::uint32_t history_crc = 0;
    std::uint64_t history_last = 0; // the last sequence in the history
};

struct saved_keys {
    bool is_text = false; // a file of format 2
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::int64_t oldest_us = 0;
    std::int64_t newest_us = 0;
};

// The file of write sessions. Every checkpoint writes a new one with all of them.
struct saved_sessions {
    std::uint64_t checkpoint = 0; // number of the checkpoint that wrote it; 0: there is none
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
};

// The content of checkpoint.jsonl.
struct manifest {
    unsigned format = format_number; // of the file that was read; written as format_number
    std::uint64_t number = 0;
    std::uint64_t through = 0;       // commits up to here are in the files
    std::int64_t at_us = 0;          // the time of that commit; later commits have no earlier time
    std::uint64_t first_segment = 0; // the first segment of the journal that is still needed
    std::uint64_t frozen_since = 0;  // the commit that froze the board; 0: it is not frozen
    std::int64_t frozen_at_us = 0;
    std::map<std::string, saved_table, std::less<>> tables;
    std::optional<hash_key> secret; // the key of the hash of idempotency keys
    std::vector<saved_keys> keys;
    std::uint64_t key_files = 0; // the highest file number used so far
    saved_sessions sessions;
    std::vector<saved_index> index; // earliest commits first
    std::uint64_t index_files = 0;  // the highest file number used so far
};

std::string to_text(const manifest& what);
// False when the text is incomplete or does not match its checksum.
bool from_text(std::string_view text, manifest& into);

struct table_to_save {
    std::string name;
    state_ptr snapshot;
    std::string history; // lines to append
};

struct checkpoint_to_save {
    std::uint64_t through = 0;
    std::int64_t at_us = 0;
    std::uint64_t first_segment = 0;
    std::uint64_t frozen_since = 0;
    std::int64_t frozen_at_us = 0;
    std::int64_t now_us = 0;
    std::vector<table_to_save> tables;
    hash_key secret;
    std::vector<key_record> keys; // to append
    std::vector<saved_session> sessions;
    std::vector<indexed_commit> commits; // to append to the index
};

class checkpoints {
public:
    // `between_files` is called after each file, so that the caller can pause there.
    checkpoints(
        files& on, layout where, std::int64_t keys_kept_us, std::uint64_t key_file_bytes,
        std::function<void()> between_files = [] {})
        : files_(on),
          where_(std::move(where)),
          keys_kept_us_(keys_kept_us),
          key_file_bytes_(key_file_bytes),
          between_files_(std::move(between_files)) {}

    // Starts from the manifest that opening read.
    void begin(manifest in_force) { in_force_ = std::move(in_force); }
    const manifest& in_force() const { return in_force_; }
    // False while either of two manifests may be on the disk.
    bool is_certain() const { return certain_; }

    // After an error the new checkpoint may or may not be in force (in_force() says which one this process
    // goes on from). Whichever manifest is on the disk is complete. The next save must include all tables of
    // this one.
    std::error_code save(const checkpoint_to_save& what, std::string& failed_file);

    // The path of a table's new file until it is renamed into place.
    static std::string temporary_table(const layout& where, std::string_view table, std::uint64_t checkpoint);

private:
    std::error_code write_files(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_table(const table_to_save& what, manifest& next, std::string& failed_file);
    std::error_code append_to_file(const std::string& path, std::uint64_t& bytes, std::uint32_t& crc,
                                   std::string_view by, std::string& failed_file);
    std::error_code write_keys(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_sessions(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_index(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code sync_later(std::string path, std::unique_ptr<file> written, std::string& failed_file);
    std::error_code sync_pending(std::string& failed_file);
    std::error_code sync_directories(std::string& failed_file);
    std::error_code rename_tables(const checkpoint_to_save& what, std::string& failed_file);
    void remove_all(std::vector<std::string>& paths);

    files& files_;
    const layout where_;
    const std::int64_t keys_kept_us_;
    const std::uint64_t key_file_bytes_;
    const std::function<void()> between_files_;
    manifest in_force_;
    bool certain_ = true;
    std::vector<std::string> temporary_tables_; // new table files that are not renamed yet
    std::vector<std::string> outdated_;         // to be removed once in_force_ is certain
    std::uint64_t last_number_ = 0;             // of the last save, successful or not
    std::vector<std::pair<std::string, std::unique_ptr<file>>> unsynced_; // written but not synced
};

} // namespace stadion::dbserver
