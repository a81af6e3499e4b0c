// Opening a data directory: lock, format, checkpoint, journal, repair. Used by json_store.cpp only.
//
// The steps are in opening.cpp. Salvaging is in opening_salvage.cpp, format 2 in opening_former.cpp, format 1
// in migration.cpp. Threads: the constructing thread of the store, before any other runs.
#pragma once

#include "dbserver/engine/json_store.hpp"
#include "dbserver/journal/damage.hpp"
#include "dbserver/journal/recovery.hpp"

#include <map>
#include <string>
#include <vector>

namespace stadion::dbserver {

// What an opened directory consists of. The store keeps it.
struct opened_directory {
    std::unique_ptr<file> lock;
    std::unique_ptr<journal> log;
    std::unique_ptr<checkpoints> saved;
    std::vector<indexed_commit> unindexed; // commits of the histories that must be added to the index
};

class opening {
public:
    opening(json_store& into, const json_store_options& settings, files& on, const layout& where);

    // Restores tables, keys and sessions into the store. Throws store_unavailable or store_damaged.
    opened_directory run();

    // Once the store holds what run() returned: the checkpoint that ends a migration or a salvage. Throws
    // store_unavailable.
    void finish();

private:
    void make_directories();
    void take_lock();
    void check_format();
    void choose_segment_size();
    void read_checkpoint();
    void read_index();
    void read_table(const std::string& name, saved_table& saved);
    std::string table_path(std::string_view name) const;
    std::string history_path(std::string_view name) const;
    void note_commits(const table& of, std::string_view lines);
    bool read_matching(const std::string& path, std::uint64_t bytes, std::uint32_t crc, std::string& text);
    void read_keys(const saved_keys& saved);
    void read_former_keys(const saved_keys& saved);
    void read_sessions();
    void note_answer(const state_ptr& answered);
    void remove_leftovers();
    void replay_journal();
    void repair(const journal_end& end);
    void name_opening();
    void keep_broken_copy(const std::string& path, std::uint64_t bytes);

    // --salvage: damaged files are copied to .broken, and what can be read is kept.
    bool salvaging() const { return settings_.salvage; }
    void set_aside(const damage& found);
    void salvage_all_tables();
    void salvage_table(const std::string& name, const saved_table& saved);
    void salvage_journal();
    void end_salvage();

    // Older formats. In format 2 the file names of long table names could collide, and two tables had one
    // file.
    void migrate(unsigned from);
    void find_clashes();
    void separate_clashes();
    void separate(const std::string& name, saved_table& saved);
    wire::result<void> replay_record(const record& one);
    void end_migration();
    void remove_former_files(const std::vector<saved_index>& index);
    void write_format();

    void throw_if(std::error_code failure, const std::string& what) const;
    void note(damage found) { damage_.push_back(std::move(found)); }
    void stop_at_damage() const;

    json_store& store_;
    const json_store_options& settings_;
    files& files_;
    const layout& where_;
    opened_directory opened_;
    manifest manifest_;
    bool renamed_ = false;        // a table file was renamed into place
    bool is_former_ = false;      // the checkpoint is of format 2
    bool rebuilds_index_ = false; // the commit index is made anew from the histories
    // Tables whose file names collide, with the sequences that the manifest has for them.
    std::map<std::string, std::uint64_t, std::less<>> clashing_;
    // Of these tables: the newest state that was answered to an idempotency key.
    std::map<std::string, state_ptr, std::less<>> last_answer_;
    std::vector<damage> damage_;
    bool checkpoint_lost_ = false;
    std::vector<std::string> old_segments_; // salvage: to be removed at the end
};

} // namespace stadion::dbserver
