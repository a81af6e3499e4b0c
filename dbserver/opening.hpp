// What happens when a data directory is opened: lock, format, checkpoint, journal, repair. json_store.cpp's
// own.
#pragma once

#include "dbserver/damage.hpp"
#include "dbserver/json_store.hpp"
#include "dbserver/recovery.hpp"

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
    void read_table(const std::string& name, const saved_table& saved);
    bool read_matching(const std::string& path, std::uint64_t bytes, std::uint32_t crc, std::string& text);
    void read_keys(const saved_keys& saved);
    void remove_leftovers();
    void play_journal();
    void repair(const journal_end& end);
    void keep_broken_copy(const std::string& path, std::uint64_t bytes);

    // --salvage, in opening_salvage.cpp: what is damaged is copied to .broken, and what can be read is kept.
    bool salvaging() const { return store_.how_.salvage; }
    void set_aside(const damage& found);
    void salvage_all_tables();
    void salvage_table(const std::string& name, const saved_table& saved);
    void salvage_journal();

    // Older formats, in migration.cpp.
    void migrate(unsigned from);

    void must(std::error_code failure, const std::string& what) const;
    void note(damage found) { damage_.push_back(std::move(found)); }
    void stop_at_damage() const;

    json_store& store_;
    files& files_;
    const layout& where_;
    manifest manifest_;
    bool renamed_ = false;
    std::vector<damage> damage_;
    bool checkpoint_lost_ = false;
};

} // namespace stadion::dbserver
