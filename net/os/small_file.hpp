// A small file that is replaced atomically and durably, and a lock file that one process holds on a folder.
//
// Blocking calls, for files of a few kilobytes that change seldom. Threading: any thread.
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

// Afterwards `path` holds `text`; after an error or a crash it holds its old content. The text is written to
// a new file beside it, which is synced and renamed; then the folder is synced.
wire::result<void> replace_small_file(const std::filesystem::path& path, std::string_view text);

// Tells a file apart from every other file that its file system ever held. The inode number alone may be
// reused. The birth time, in nanoseconds since 1970, cannot be set by anybody; it is 0 where the file system
// does not keep it.
struct file_identity {
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;

    bool operator==(const file_identity&) const = default;
};

// Nothing when there is no such file.
std::optional<file_identity> identify(const std::filesystem::path& path);

// The same, for a text that contains the identity of the new file itself.
wire::result<void> replace_small_file(const std::filesystem::path& path,
                                      const std::function<std::string(const file_identity&)>& make_text);

// A lock, held until it is destroyed or the process ends in any way. Children do not inherit it.
class file_lock {
public:
    // Creates the file if needed, and writes our pid into it. FAILED_PRECONDITION, with the holder's pid,
    // when another process holds it for longer than 300 ms. The wait is for a holder that was killed while it
    // forked: its child releases the lock a moment later.
    static wire::result<file_lock> take(const std::filesystem::path& path);

    file_lock(file_lock&& other) noexcept;
    file_lock& operator=(file_lock&& other) noexcept;
    ~file_lock();

private:
    explicit file_lock(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

} // namespace stadion::net
