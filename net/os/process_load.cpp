#include "net/os/process_load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace stadion::net {
namespace {

std::chrono::microseconds used_so_far() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

} // namespace

process_load::process_load() : at_(std::chrono::steady_clock::now()), used_(used_so_far()) {}

double process_load::sample() {
    const auto now = std::chrono::steady_clock::now();
    const auto wall = std::chrono::duration<double>(now - at_).count();
    if (wall < 0.1) return last_;
    const auto used = used_so_far();
    const auto cores = std::max(1U, std::thread::hardware_concurrency());
    last_ = std::clamp(std::chrono::duration<double>(used - used_).count() / wall / cores, 0.0, 1.0);
    at_ = now;
    used_ = used;
    return last_;
}

} // namespace stadion::net
