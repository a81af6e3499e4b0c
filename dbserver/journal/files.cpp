#include "dbserver/journal/files.hpp"

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace stadion::dbserver {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

template <typename Call>
auto uninterrupted(Call call) {
    auto answer = call();
    while (answer < 0 && errno == EINTR) answer = call();
    return answer;
}

std::error_code checked(int answer) { return answer == 0 ? std::error_code{} : last_error(); }

class system_file final : public file {
public:
    explicit system_file(int descriptor) : descriptor_(descriptor) {}
    ~system_file() override { ::close(descriptor_); }
    system_file(const system_file&) = delete;
    system_file& operator=(const system_file&) = delete;

    std::error_code write_at(std::uint64_t offset, std::string_view bytes, std::size_t& written) override {
        const auto count = uninterrupted(
            [&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        written = count < 0 ? 0 : static_cast<std::size_t>(count);
        return count < 0 ? last_error() : std::error_code{};
    }

    std::error_code read_at(std::uint64_t offset, std::size_t length, std::string& bytes) override {
        bytes.resize(length);
        std::size_t have = 0;
        while (have < length) {
            const auto count = uninterrupted([&] {
                return ::pread(descriptor_, bytes.data() + have, length - have,
                               static_cast<off_t>(offset + have));
            });
            if (count < 0) return last_error();
            if (count == 0) break;
            have += static_cast<std::size_t>(count);
        }
        bytes.resize(have);
        return {};
    }

    std::error_code sync_data() override {
        return checked(uninterrupted([&] { return ::fdatasync(descriptor_); }));
    }
    std::error_code sync() override {
        return checked(uninterrupted([&] { return ::fsync(descriptor_); }));
    }
    void start_sync() override { ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE); }
    std::error_code allocate(std::uint64_t length) override {
        const int answer =
            uninterrupted([&] { return ::fallocate(descriptor_, 0, 0, static_cast<off_t>(length)); });
        // Not every file system supports it. Without it, a full disk shows in the writes that follow.
        if (answer != 0 && errno == EOPNOTSUPP) return {};
        return checked(answer);
    }
    std::error_code truncate(std::uint64_t length) override {
        return checked(uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(length)); }));
    }
    std::error_code size(std::uint64_t& bytes) override {
        struct stat about {};
        if (::fstat(descriptor_, &about) != 0) return last_error();
        bytes = static_cast<std::uint64_t>(about.st_size);
        return {};
    }
    std::error_code try_lock() override {
        return checked(uninterrupted([&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); }));
    }

private:
    int descriptor_;
};

class system_file_system final : public files {
public:
    std::error_code open(const std::string& path, open_mode mode, std::unique_ptr<file>& opened) override {
        const int flags = mode == open_mode::read    ? O_RDONLY
                          : mode == open_mode::write ? O_RDWR
                                                     : O_RDWR | O_CREAT;
        const int descriptor = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); });
        if (descriptor < 0) return last_error();
        opened = std::make_unique<system_file>(descriptor);
        return {};
    }
    std::error_code rename(const std::string& from, const std::string& to) override {
        return checked(::rename(from.c_str(), to.c_str()));
    }
    std::error_code exchange(const std::string& one, const std::string& other) override {
        return checked(::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE));
    }
    std::error_code remove(const std::string& path) override { return checked(::remove(path.c_str())); }
    std::error_code make_directory(const std::string& path) override {
        if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
        return last_error();
    }
    std::error_code sync_directory(const std::string& path) override {
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) return last_error();
        const std::error_code failure = checked(uninterrupted([&] { return ::fsync(descriptor); }));
        ::close(descriptor);
        return failure;
    }
    std::error_code list(const std::string& path, std::vector<std::string>& names) override {
        names.clear();
        DIR* directory = ::opendir(path.c_str());
        if (!directory) return last_error();
        while (const dirent* entry = ::readdir(directory)) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        ::closedir(directory);
        std::sort(names.begin(), names.end());
        return {};
    }
    std::error_code free_bytes(const std::string& path, std::uint64_t& bytes) override {
        struct statvfs about {};
        if (::statvfs(path.c_str(), &about) != 0) return last_error();
        bytes = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
        return {};
    }
};

} // namespace

std::shared_ptr<files> system_files() { return std::make_shared<system_file_system>(); }

std::error_code write_all(file& to, std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t written = 0;
        if (const std::error_code failure = to.write_at(offset, bytes, written)) return failure;
        if (written == 0) return std::make_error_code(std::errc::no_space_on_device);
        offset += written;
        bytes.remove_prefix(written);
    }
    return {};
}

std::error_code read_all(files& from, const std::string& path, std::string& bytes) {
    bytes.clear();
    std::unique_ptr<file> source;
    if (const std::error_code failure = from.open(path, open_mode::read, source)) return failure;
    std::uint64_t size = 0;
    if (const std::error_code failure = source->size(size)) return failure;
    return source->read_at(0, size, bytes);
}

std::error_code write_new(files& to, const std::string& path, std::string_view bytes) {
    std::unique_ptr<file> target;
    if (const std::error_code failure = to.open(path, open_mode::create, target)) return failure;
    if (const std::error_code failure = target->truncate(0)) return failure;
    if (const std::error_code failure = write_all(*target, 0, bytes)) return failure;
    return target->sync();
}

} // namespace stadion::dbserver
