// The file system as the storage engine uses it: one small interface, so that tests can fail any call.
//
// Every function answers with an error code, empty on success; nothing is retried here but EINTR. A write may
// be short, as the system's may. Names are paths below nothing in particular: the caller puts them together.
// Threads: as the system's calls, any thread at any time; one file's functions too.
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
    virtual void start_sync() {} // a hint: many files are written at once before each is synced
    virtual std::error_code allocate(std::uint64_t length) = 0; // reserves blocks, which read as zeros
    virtual std::error_code truncate(std::uint64_t length) = 0;
    virtual std::error_code size(std::uint64_t& bytes) = 0;
    virtual std::error_code try_lock() = 0; // EWOULDBLOCK when another holds it; released with the file
};

enum class open_mode { read, write, create }; // write and create read too

class files {
public:
    virtual ~files() = default;
    virtual std::error_code open(const std::string& path, open_mode mode, std::unique_ptr<file>& opened) = 0;
    virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
    virtual std::error_code exchange(const std::string& one, const std::string& other) = 0;
    virtual std::error_code remove(const std::string& path) = 0;
    virtual std::error_code make_directory(const std::string& path) = 0; // no error when it is there
    virtual std::error_code sync_directory(const std::string& path) = 0;
    // The names of files and directories in it, in order; ENOENT when it is not there.
    virtual std::error_code list(const std::string& path, std::vector<std::string>& names) = 0;
    virtual std::error_code free_bytes(const std::string& path, std::uint64_t& bytes) = 0;
};

// The real one.
std::shared_ptr<files> system_files();

// What composes from the above. Short writes are continued; a write that takes nothing is ENOSPC.
std::error_code write_all(file& to, std::uint64_t offset, std::string_view bytes);
std::error_code read_all(files& from, const std::string& path, std::string& bytes);
// A file that is there whole after the next sync_directory: written anew under this name and synced.
std::error_code write_new(files& to, const std::string& path, std::string_view bytes);

} // namespace stadion::dbserver
