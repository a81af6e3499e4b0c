// The engine that keeps its tables as JSON files, with a journal in front of them. FORMAT.md describes the
// files.
//
// Opening takes the lock file, reads the last checkpoint, plays the journal after it, and makes sure that all
// that was read is on the disk before anything is answered from it. It throws store_unavailable or
// store_damaged (damage.hpp); nothing else here throws.
//
// A maintenance thread makes checkpoints from immutable snapshots, prepares the journal's next segment,
// removes those no longer needed, and watches the space that is left.
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
    std::shared_ptr<files> on;               // empty: the system's
    std::string program = "stadion";         // and version, for the FORMAT file
    std::uint64_t segment_bytes = 64u << 20; // smaller on a small disk
    std::uint64_t key_file_bytes = 16u << 20;
    std::size_t segments_max = 8; // waiting for a checkpoint; beyond, updates are refused
    std::chrono::milliseconds checkpoint_every{1000};
    std::chrono::milliseconds look_every{200}; // at the disk's space
    bool salvage = false;                      // keep what can be read, set the rest aside as .broken
    bool maintain = true;                      // false: only when asked, for tests
};

class json_store final : public engine {
public:
    explicit json_store(json_store_options options);
    ~json_store() override;

    health_report health() const override;
    void stop() override;

    // What the maintenance thread does. For tests, and before a copy is taken of the directory.
    bool checkpoint_now(bool at_leisure = false);
    void look_at_disk();
    void prepare_segment();

private:
    friend class opening;

    written persist(std::string& records, std::uint64_t last_sequence, std::string& failure) override;
    wire::result<std::string> read_archive(const table& of, std::uint64_t bytes,
                                           std::uint32_t crc) const override;

    wire::result<std::uint64_t> find_archived(std::uint64_t sequence) const override;

    void maintain();
    void show_index();
    bool save(changed_since changes);
    void rest();
    void prepare_a_step();
    void segment_not_made(std::error_code why);
    std::uint64_t reserve_bytes() const;

    json_store_options how_;
    std::shared_ptr<files> files_;
    const layout where_;
    std::unique_ptr<file> lock_file_;
    std::unique_ptr<journal> journal_;
    std::unique_ptr<checkpoints> checkpoints_;
    std::mutex checkpointing_;
    bool at_leisure_ = false; // with that lock: the checkpoint being made is the maintenance thread's
    std::chrono::steady_clock::time_point worked_since_;
    std::atomic<std::uint64_t> checkpoint_sequence_{0};
    std::vector<indexed_commit>
        to_index_; // with that lock: commits that are in archives, but in no index yet

    mutable std::mutex index_lock_;
    std::vector<saved_index> index_; // of the checkpoint in force

    std::mutex maintenance_lock_;
    std::condition_variable maintenance_wake_;
    bool maintenance_ends_ = false;
    std::thread maintenance_thread_;
    std::mutex ending_;
    bool ended_ = false;
};

} // namespace stadion::dbserver
