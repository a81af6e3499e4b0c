// A small file that is replaced as a whole and durably, and a lock that one process holds on a folder.
//
// Blocking calls, for files of a few kilobytes that change seldom. Any thread.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace stadion::net {

// Nothing when there is no such file.
wire::result<std::optional<std::string>> read_small_file(const std::filesystem::path& path);

// Afterwards `path` holds `text`, or after an error or a crash what it held before: written beside it,
// synced, renamed over it, and the folder synced.
wire::result<void> replace_small_file(const std::filesystem::path& path, std::string_view text);

// Which file it is, of all that ever were on its file system: a number that may be used again, and the time
// of birth in nanoseconds since 1970, which nobody can set (0 where the file system does not keep it).
struct file_identity {
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;

    bool operator==(const file_identity&) const = default;
};

// Nothing when there is no such file.
std::optional<file_identity> identify(const std::filesystem::path& path);

// The same with a new file, whose text may say which one it is.
wire::result<void> replace_small_file(const std::filesystem::path& path,
                                      const std::function<std::string(const file_identity&)>& make_text);

// Held until destroyed or the process ends, however it ends; children do not inherit it.
class file_lock {
public:
    // Makes the file when it is not there, and writes our pid into it. FAILED_PRECONDITION, with the holder's
    // pid, when another process holds it and goes on to: when a holder is killed while it forks, what it
    // forked lets go a moment later.
    static wire::result<file_lock> take(const std::filesystem::path& path);

    file_lock(file_lock&& other) noexcept;
    file_lock& operator=(file_lock&& other) noexcept;
    ~file_lock();

private:
    explicit file_lock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

} // namespace stadion::net
