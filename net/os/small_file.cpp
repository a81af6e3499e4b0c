#include "net/os/small_file.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace stadion::net {
namespace {

class descriptor {
public:
    descriptor(const std::filesystem::path& path, int flags)
        : number_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;

    explicit operator bool() const noexcept { return number_ >= 0; }
    int get() const noexcept { return number_; }
    int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_;
};

wire::error failed(const char* what, const std::filesystem::path& path) {
    return wire::make_error(wire::status::unavailable, std::string("cannot ") + what + " " + path.string() +
                                                           ": " + std::strerror(errno));
}

bool write_all(int to, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(to, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool read_all(int from, std::string& text) {
    char part[4096];
    for (;;) {
        const auto size = ::read(from, part, sizeof part);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return size == 0;
        text.append(part, static_cast<std::size_t>(size));
    }
}

// The pid that is written in a lock file.
std::string holder_of(int file) {
    std::string holder;
    ::lseek(file, 0, SEEK_SET);
    read_all(file, holder);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return holder.empty() ? "(unknown)" : holder;
}

} // namespace

wire::result<std::optional<std::string>> read_small_file(const std::filesystem::path& path) {
    const descriptor file(path, O_RDONLY);
    if (!file && errno == ENOENT) return std::optional<std::string>();
    std::string text;
    if (!file || !read_all(file.get(), text)) return failed("read", path);
    return std::optional<std::string>(std::move(text));
}

wire::result<void> replace_small_file(const std::filesystem::path& path, std::string_view text) {
    auto beside = path;
    beside += ".new";
    {
        const descriptor file(beside, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file || !write_all(file.get(), text) || ::fsync(file.get()) != 0) return failed("write", beside);
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) return failed("replace", path);
    const descriptor folder(path.parent_path(), O_RDONLY | O_DIRECTORY);
    if (!folder || ::fsync(folder.get()) != 0) return failed("sync", path.parent_path());
    return {};
}

std::optional<file_identity> identify(const std::filesystem::path& path) {
    struct statx seen {};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &seen) != 0) return std::nullopt;
    file_identity one;
    one.inode = seen.stx_ino;
    if ((seen.stx_mask & STATX_BTIME) != 0)
        one.born_ns = std::int64_t{seen.stx_btime.tv_sec} * 1'000'000'000 + seen.stx_btime.tv_nsec;
    return one;
}

wire::result<void> replace_small_file(const std::filesystem::path& path,
                                      const std::function<std::string(const file_identity&)>& make_text) {
    auto beside = path;
    beside += ".new";
    ::unlink(beside.c_str()); // a leftover would have the wrong identity
    if (const descriptor file(beside, O_WRONLY | O_CREAT | O_EXCL); !file) return failed("make", beside);
    const auto made = identify(beside);
    if (!made) return failed("look at", beside);
    return replace_small_file(path, make_text(*made)); // writes into the file just made
}

wire::result<file_lock> file_lock::take(const std::filesystem::path& path) {
    descriptor file(path, O_RDWR | O_CREAT);
    if (!file) return failed("open", path);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed("lock", path);
        if (std::chrono::steady_clock::now() > until)
            return wire::make_error(wire::status::failed_precondition, path.parent_path().string() +
                                                                           " is in use by process " +
                                                                           holder_of(file.get()));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (::ftruncate(file.get(), 0) != 0 || ::lseek(file.get(), 0, SEEK_SET) != 0 ||
        !write_all(file.get(), std::to_string(::getpid()) + "\n"))
        return failed("write", path);
    return file_lock(file.release());
}

file_lock::file_lock(file_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

file_lock& file_lock::operator=(file_lock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

file_lock::~file_lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

} // namespace stadion::net
