// What happens when a data directory is opened: lock, format, checkpoint, journal, repair. json_store.cpp's
// own.
#pragma once

#include "dbserver/engine/json_store.hpp"
#include "dbserver/journal/damage.hpp"
#include "dbserver/journal/recovery.hpp"

#include <map>
#include <string>
#include <vector>

namespace stadion::dbserver {

class opening {
public:
    explicit opening(json_store& of) : store_(of), files_(*of.files_), where_(of.where_) {}

    // Throws store_unavailable or store_damaged.
    void run();

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
    void play_journal();
    void repair(const journal_end& end);
    void name_opening();
    void keep_broken_copy(const std::string& path, std::uint64_t bytes);

    // --salvage, in opening_salvage.cpp: what is damaged is copied to .broken, and what can be read is kept.
    bool salvaging() const { return store_.how_.salvage; }
    void set_aside(const damage& found);
    void salvage_all_tables();
    void salvage_table(const std::string& name, const saved_table& saved);
    void salvage_journal();

    // Older formats, in migration.cpp; format 2 in opening_former.cpp.
    void migrate(unsigned from);
    void find_clashes();
    void tell_clashes_apart();
    void tell_apart(const std::string& name, saved_table& saved);
    wire::result<void> play_line(const record& one);
    void end_migration();
    void remove_former_files(const std::vector<saved_index>& index);
    void write_format();

    void must(std::error_code failure, const std::string& what) const;
    void note(damage found) { damage_.push_back(std::move(found)); }
    void stop_at_damage() const;

    json_store& store_;
    files& files_;
    const layout& where_;
    manifest manifest_;
    bool renamed_ = false;
    bool former_ = false;       // the checkpoint is of format 2
    bool indexes_anew_ = false; // the index of commits is made from the histories
    std::map<std::string, std::uint64_t, std::less<>>
        clashing_; // tables that had one file, with their commits
    std::map<std::string, state_ptr, std::less<>> last_answer_; // of these, by the idempotency keys
    std::vector<damage> damage_;
    bool checkpoint_lost_ = false;
};

} // namespace stadion::dbserver
