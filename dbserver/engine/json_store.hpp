// The engine that keeps its tables as JSON files, with a journal in front of them. FORMAT.md describes the
// files.
//
// Construction opens the directory: it takes the lock file, reads the last checkpoint, replays the journal
// after it, and makes sure that all it read is durable before anything is answered from it. It throws
// store_unavailable or store_damaged (journal/damage.hpp). No other function throws.
//
// A maintenance thread makes checkpoints from immutable snapshots, prepares the journal's next segment,
// removes segments that are not needed any more, and watches the free space of the disk.
#pragma once

#include "dbserver/engine/engine.hpp"
#include "dbserver/journal/checkpoint.hpp"
#include "dbserver/journal/files.hpp"
#include "dbserver/journal/journal.hpp"
#include "dbserver/journal/layout.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace stadion::dbserver {

struct json_store_options {
    std::string directory;
    engine_options engine;
    std::shared_ptr<files> file_system;      // empty: the system's
    std::string program = "stadion";         // and version; written to the FORMAT file
    std::uint64_t segment_bytes = 64u << 20; // smaller on a small disk
    std::uint64_t key_file_bytes = 16u << 20;
    std::size_t segments_max = 8; // with more, updates are refused until a checkpoint was made
    std::chrono::milliseconds checkpoint_every{1000};
    std::chrono::milliseconds disk_check_every{200}; // how often the free space is checked
    bool salvage = false; // of damaged files keep what can be read, copy the rest to .broken
    bool maintain = true; // false: no maintenance thread; tests call its functions
};

class json_store final : public engine {
public:
    explicit json_store(json_store_options options);
    ~json_store() override;

    health_report health() const override;
    void stop() override;

    // The maintenance thread's work, for tests. `in_background`: pause between files, so that commits go
    // first.
    bool checkpoint_now(bool in_background = false);
    void check_disk_space();
    void prepare_segment();

private:
    friend class opening;

    written persist(std::string& records, std::uint64_t last_sequence, std::string& failure) override;
    wire::result<std::string> read_archive(const table& of, std::uint64_t bytes,
                                           std::uint32_t crc) const override;

    wire::result<std::uint64_t> find_archived(std::uint64_t sequence) const override;

    void maintain();
    void copy_index();
    bool save(changed_since changes);
    void pause_for_commits();
    void prepare_a_step();
    void note_segment_failure(std::error_code why);
    std::uint64_t reserve_bytes() const;

    json_store_options settings_;
    std::shared_ptr<files> files_;
    const layout where_;
    std::unique_ptr<file> lock_file_;
    std::unique_ptr<journal> journal_;
    std::unique_ptr<checkpoints> checkpoints_;
    std::mutex checkpoint_lock_;
    bool in_background_ = false; // with checkpoint_lock_
    std::chrono::steady_clock::time_point work_began_;
    std::atomic<std::uint64_t> checkpoint_sequence_{0};
    std::vector<indexed_commit> unindexed_; // with checkpoint_lock_: in archives, but in no index yet

    mutable std::mutex index_lock_;
    std::vector<saved_index> index_; // of the checkpoint in force

    std::mutex maintenance_lock_;
    std::condition_variable maintenance_wake_;
    bool maintenance_ends_ = false;
    std::thread maintenance_thread_;
    std::mutex stop_once_lock_;
    bool stopped_ = false;
};

} // namespace stadion::dbserver
