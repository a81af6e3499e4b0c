// A simulated disk that can crash, and a file system on it that can fail any call.
//
// For every file the disk keeps what was synced and, in order, what was written since. For every directory it
// keeps the names that were synced and the changes since. A crash keeps all that was synced. Of the rest it
// keeps a random part: any subset of the sectors of unsynced writes, and a prefix of each directory's
// changes. So a rename whose directory was not synced may be undone, while the file's content is there.
//
// Every call is counted, and one of them may be chosen to fail. Calls that change something can be recorded.
// So a crash can be tried after each of them without running the workload again.
#pragma once

#include "dbserver/journal/files.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace stadion::test {

// One change, as it is applied to a disk.
struct disk_change {
    enum class kind { create, write, truncate, sync, failed_sync, rename, exchange, remove, sync_directory };
    kind what = kind::write;
    std::string path = {};  // for changes of a file: only informative
    std::string other = {}; // rename, exchange
    std::uint64_t inode = 0;
    std::uint64_t offset = 0; // truncate: the length
    std::string bytes = {};
    std::uint32_t seed = 0; // failed_sync: selects the sectors that were written
};

enum class crash_style { drop_all, keep_all, random };

class simulated_disk {
public:
    static constexpr std::size_t sector_bytes = 512;

    void apply(const disk_change& change);

    // The disk as the next process finds it after a power failure.
    simulated_disk crashed(crash_style style, std::mt19937& random) const;

    const std::string* contents(const std::string& path) const; // as a process sees it
    std::optional<std::uint64_t> inode_of(const std::string& path) const;
    std::string& cached(std::uint64_t inode) { return inodes_.at(inode).cached; }
    std::vector<std::string> names(const std::string& directory) const;
    std::uint64_t used_bytes() const;
    // A hash of all names and contents as a process sees them.
    std::uint64_t fingerprint() const;
    std::uint64_t next_inode() const { return next_inode_; }
    std::map<std::string, std::uint64_t>& paths() { return names_; }

private:
    struct stored_file {
        std::string cached;
        std::string durable;
        std::vector<disk_change> unsynced; // write and truncate
    };
    using name_map = std::map<std::string, std::uint64_t>;

    static void change_names(name_map& names, const disk_change& change);
    static void change_bytes(std::string& bytes, const disk_change& change);
    static void keep_some(std::string& bytes, const disk_change& change, crash_style style,
                          std::mt19937& random);

    std::map<std::uint64_t, stored_file> inodes_;
    name_map names_;
    name_map durable_names_;
    std::map<std::string, std::vector<disk_change>> unsynced_names_; // by directory
    std::uint64_t next_inode_ = 1;
};

enum class fault {
    none,
    input_output_error, // the call does nothing and returns EIO
    no_space,           // the same with ENOSPC
    short_write,        // half is written and returned; other calls: EIO
    torn_write,         // half is written and EIO returned; other calls: EIO
};

class faulty_files final : public dbserver::files {
public:
    explicit faulty_files(simulated_disk disk = {}) : disk_(std::move(disk)) {}

    // The call with this number, counted from 0, fails. `lasting`: those after it too, until lift_fault().
    void fail_call(std::uint64_t number, fault how, bool lasting = false);
    void lift_fault();
    void set_capacity(std::uint64_t bytes);
    void record(bool on) { recording_ = on; }
    // Called after each change, with the disk locked.
    std::function<void()> on_change;

    std::uint64_t calls() const;
    // The numbers of the calls that changed names or made them durable.
    std::vector<std::uint64_t> calls_about_names() const;
    std::vector<disk_change> trace() const;
    std::size_t trace_size() const;
    simulated_disk disk() const; // a copy

    std::error_code open(const std::string& path, dbserver::open_mode mode,
                         std::unique_ptr<dbserver::file>& opened) override;
    std::error_code rename(const std::string& from, const std::string& to) override;
    std::error_code exchange(const std::string& one, const std::string& other) override;
    std::error_code remove(const std::string& path) override;
    std::error_code make_directory(const std::string& path) override;
    std::error_code sync_directory(const std::string& path) override;
    std::error_code list(const std::string& path, std::vector<std::string>& names) override;
    std::error_code free_bytes(const std::string& path, std::uint64_t& bytes) override;

private:
    class open_file;
    friend class open_file;

    fault next_fault(); // counts the call
    void apply(disk_change change);

    mutable std::mutex lock_;
    simulated_disk disk_;
    std::vector<disk_change> trace_;
    bool recording_ = false;
    std::uint64_t calls_ = 0;
    std::vector<std::uint64_t> calls_about_names_;
    std::uint64_t fail_at_ = UINT64_MAX;
    fault how_ = fault::none;
    bool lasting_ = false;
    std::uint64_t capacity_ = UINT64_MAX;
    std::map<std::uint64_t, bool> locked_;
};

} // namespace stadion::test
