// Checkpoints: the tables as files, and one small file that says what they are.
//
// The problem: a checkpoint changes many files - each changed table's JSON, its history, the used keys - and
// must be in force as a whole or not at all, while the table files stay readable by anybody at any moment.
//
// So the new table files are first written beside the old ones and synced; histories and keys grow at the
// end, beyond what the old checkpoint knows of; then checkpoint.jsonl, which has every file's length and
// checksum, is replaced by one rename. That is the moment the checkpoint is in force. Then the new table
// files are renamed into place; when this is interrupted, opening goes on with it. Last the journal's
// segments go.
//
// When the rename or the sync after it fails, either of two checkpoints may be found on the disk. Until a
// later one is in force for certain, nothing is changed that either of them names: histories and keys only
// grow, on from the newer one, tables stay beside their places, and nothing is removed.
//
// Threads: save and the rest belong to one thread at a time.
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
    std::uint64_t checkpoint = 0; // the one that wrote the file
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint64_t history_bytes = 0;
    std::uint32_t history_crc = 0;
    std::uint64_t history_last = 0;
};

struct saved_keys {
    bool is_text = false; // as format 2 had them
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    std::int64_t oldest_us = 0;
    std::int64_t newest_us = 0;
};

// The open sessions, whole, as of that checkpoint.
struct saved_sessions {
    std::uint64_t checkpoint = 0; // 0: there are none
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
};

// What checkpoint.jsonl says.
struct manifest {
    unsigned format = format_number; // as it was read; what is written is always the newest
    std::uint64_t number = 0;
    std::uint64_t through = 0;       // commits up to here are in the files
    std::int64_t at_us = 0;          // the time of that commit: no later one has an earlier time
    std::uint64_t first_segment = 0; // of the journal that goes on from there
    std::uint64_t frozen_since = 0;  // the commit that froze the board; 0: it is not frozen
    std::int64_t frozen_at_us = 0;
    std::map<std::string, saved_table, std::less<>> tables;
    std::optional<hash_key> secret; // that keys are hashed with
    std::vector<saved_keys> keys;
    std::uint64_t key_files = 0; // the highest number any of them had
    saved_sessions sessions;
    std::vector<saved_index> index; // the earliest commits first
    std::uint64_t index_files = 0;  // the highest number any of them had
};

std::string to_text(const manifest& what);
// False when the text is not whole.
bool from_text(std::string_view text, manifest& into);

struct table_to_save {
    std::string name;
    state_ptr snapshot;
    std::string history; // lines to add
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
    std::vector<key_record> keys; // to add
    std::vector<saved_session> sessions;
    std::vector<indexed_commit> commits; // to add to the index
};

class checkpoints {
public:
    // `rest` is called between files: a place to pause.
    checkpoints(
        files& on, layout where, std::int64_t keys_kept_us, std::uint64_t key_file_bytes,
        std::function<void()> rest = [] {})
        : files_(on),
          where_(std::move(where)),
          keys_kept_us_(keys_kept_us),
          key_file_bytes_(key_file_bytes),
          rest_(std::move(rest)) {}

    // As it was read.
    void begin(manifest in_force) { in_force_ = std::move(in_force); }
    const manifest& in_force() const { return in_force_; }
    // in_force() is what would be found on the disk.
    bool is_certain() const { return certain_; }

    // On an error it may be in force for this process or not, and whichever is found on the disk is whole;
    // the tables that are saved next must include all this one had.
    std::error_code save(const checkpoint_to_save& what, std::string& failed_file);

    // The path a table's file has until it is renamed into place.
    static std::string beside(const layout& where, std::string_view table, std::uint64_t checkpoint);

private:
    std::error_code write_files(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_table(const table_to_save& what, manifest& next, std::string& failed_file);
    std::error_code grow(const std::string& path, std::uint64_t& bytes, std::uint32_t& crc,
                         std::string_view by, std::string& failed_file);
    std::error_code write_keys(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_sessions(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code write_index(const checkpoint_to_save& what, manifest& next, std::string& failed_file);
    std::error_code hold_to_sync(std::string path, std::unique_ptr<file> written, std::string& failed_file);
    std::error_code sync_held(std::string& failed_file);
    std::error_code sync_directories(std::string& failed_file);
    std::error_code put_in_place(const checkpoint_to_save& what, std::string& failed_file);
    void remove_all(std::vector<std::string>& paths);

    files& files_;
    const layout where_;
    const std::int64_t keys_kept_us_;
    const std::uint64_t key_file_bytes_;
    const std::function<void()> rest_;
    manifest in_force_;
    bool certain_ = true;
    std::vector<std::string> beside_;   // the new tables, until they are renamed
    std::vector<std::string> outdated_; // files that no checkpoint names once in_force_ is certain
    std::uint64_t last_number_ = 0;     // also of those that failed
    std::vector<std::pair<std::string, std::unique_ptr<file>>> held_; // written, and not synced yet
};

} // namespace stadion::dbserver
