#include "net/os/descriptors.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace stadion::net {
namespace {

using clock = std::chrono::steady_clock;
constexpr auto count_every = std::chrono::seconds{1};

std::size_t count_open() {
    std::size_t count = 0;
    if (DIR* folder = ::opendir("/proc/self/fd")) {
        while (::readdir(folder) != nullptr) ++count;
        ::closedir(folder);
        count -= std::min<std::size_t>(count, 3); // ".", ".." and the folder itself
    }
    return count;
}

} // namespace

std::size_t raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    return descriptors_max();
}

std::size_t descriptors_max() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::numeric_limits<int>::max();
    return limit.rlim_cur;
}

std::size_t descriptors_left() {
    static std::atomic<clock::rep> counted_at{std::numeric_limits<clock::rep>::min()};
    static std::atomic<std::size_t> open{0};
    const auto now = clock::now().time_since_epoch().count();
    auto last = counted_at.load();
    const auto due = last == std::numeric_limits<clock::rep>::min() ||
                     now - last > std::chrono::duration_cast<clock::duration>(count_every).count();
    if (due && counted_at.compare_exchange_strong(last, now)) open = count_open();
    const auto max = descriptors_max();
    return max - std::min(max, open.load());
}

std::size_t clients_within_descriptors(std::size_t wanted) noexcept {
    const auto max = descriptors_max();
    return std::min(wanted, max > descriptors_reserved ? max - descriptors_reserved : 0);
}

wire::result<void> check_descriptors() {
    const int one = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (one >= 0) {
        ::close(one);
        return {};
    }
    if (errno != EMFILE && errno != ENFILE) return {};
    return wire::make_error(wire::status::unavailable,
                            "no file descriptor is left of " + std::to_string(descriptors_max()) +
                                ": nobody else is let in; raise the limit (ulimit -n, LimitNOFILE=)");
}

} // namespace stadion::net
