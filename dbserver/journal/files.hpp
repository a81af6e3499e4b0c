// The file system as the storage engine uses it: a small interface, so that tests can make any call fail.
//
// Every function returns an error code, empty on success. Nothing is retried but EINTR. A write may be short.
// Paths are passed to the system as they are. Threads: any function may be called from any thread at any
// time, also on one file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace stadion::dbserver {

class file {
public:
    virtual ~file() = default;
    virtual std::error_code write_at(std::uint64_t offset, std::string_view bytes, std::size_t& written) = 0;
    // Fewer bytes than asked for only at the end of the file.
    virtual std::error_code read_at(std::uint64_t offset, std::size_t length, std::string& bytes) = 0;
    virtual std::error_code sync_data() = 0; // contents, and the size where it changed
    virtual std::error_code sync() = 0;
    virtual void start_sync() {} // a hint: begins writing, so that syncing many files takes less time
    virtual std::error_code
    allocate(std::uint64_t length) = 0; // reserves blocks; where a file system cannot, does nothing
    virtual std::error_code truncate(std::uint64_t length) = 0;
    virtual std::error_code size(std::uint64_t& bytes) = 0;
    virtual std::error_code
    try_lock() = 0; // EWOULDBLOCK when another holds it; released when the file is closed
};

enum class open_mode { read, write, create }; // write and create allow reading; create makes a missing file

class files {
public:
    virtual ~files() = default;
    virtual std::error_code open(const std::string& path, open_mode mode, std::unique_ptr<file>& opened) = 0;
    virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
    virtual std::error_code exchange(const std::string& one, const std::string& other) = 0;
    virtual std::error_code remove(const std::string& path) = 0;
    virtual std::error_code make_directory(const std::string& path) = 0; // no error when it exists
    virtual std::error_code sync_directory(const std::string& path) = 0;
    // The names of the files and directories in it, sorted. ENOENT when it does not exist.
    virtual std::error_code list(const std::string& path, std::vector<std::string>& names) = 0;
    virtual std::error_code free_bytes(const std::string& path, std::uint64_t& bytes) = 0;
};

// The operating system's.
std::shared_ptr<files> system_files();

// Continues short writes. ENOSPC when a write takes nothing.
std::error_code write_all(file& to, std::uint64_t offset, std::string_view bytes);
// The whole file.
std::error_code read_all(files& from, const std::string& path, std::string& bytes);
// Replaces the file's content and syncs it. The name is durable after the next sync_directory.
std::error_code write_new(files& to, const std::string& path, std::string_view bytes);

} // namespace stadion::dbserver
