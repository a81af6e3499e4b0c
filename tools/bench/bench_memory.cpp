#include "tools/bench/bench_memory.hpp"

#include "tools/bench/bench_generator.hpp"

#include <sys/poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace stadion::tools {
namespace {

constexpr std::size_t descriptors_spare = 64;
// Opened before the first look at the memory, so that what the server allocates once is not counted.
constexpr std::size_t connections_first = 200;
constexpr int answer_within_ms = 5'000;
constexpr std::size_t batch_size = 256;

class open_connections {
public:
    explicit open_connections(const memory_load& load) : load_(load) {}
    ~open_connections() {
        for (const int one : all_) ::close(one);
    }

    // Many at a time, so that the server is not waited for once per connection.
    wire::result<void> open(std::size_t count) {
        for (std::size_t left = count; left > 0;) {
            const auto first = all_.size();
            for (std::size_t i = 0; i < std::min(left, batch_size); ++i) {
                const auto descriptor = bench_connect(load_.address);
                if (!descriptor) return descriptor.error();
                all_.push_back(*descriptor);
                ::send(*descriptor, load_.greeting.data(), load_.greeting.size(), MSG_NOSIGNAL);
            }
            left -= all_.size() - first;
            for (auto i = first; i < all_.size(); ++i)
                if (!is_answered(all_[i]))
                    return wire::make_error(wire::status::unavailable, "connection " + std::to_string(i + 1) +
                                                                           " to " + load_.address +
                                                                           " is not answered");
        }
        return {};
    }

private:
    static bool is_answered(int descriptor) {
        pollfd polled{descriptor, POLLIN, 0};
        char buffer[1024];
        return ::poll(&polled, 1, answer_within_ms) == 1 && ::recv(descriptor, buffer, sizeof buffer, 0) > 0;
    }

    const memory_load& load_;
    std::vector<int> all_;
};

} // namespace

std::size_t resident_bytes(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    if (!(file >> size >> resident)) return 0;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

wire::result<double> measure_idle_memory(const memory_load& load) {
    if (const auto limit = raise_descriptor_limit();
        limit < load.connections + connections_first + descriptors_spare)
        return wire::make_error(wire::status::failed_precondition,
                                "the limit of " + std::to_string(limit) + " descriptors is too low");
    if (resident_bytes(load.pid) == 0)
        return wire::make_error(wire::status::not_found, "there is no process " + std::to_string(load.pid));
    open_connections all(load);
    if (auto opened = all.open(connections_first); !opened) return opened.error();
    const auto before = resident_bytes(load.pid);
    if (auto opened = all.open(load.connections); !opened) return opened.error();
    const auto after = resident_bytes(load.pid);
    return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(load.connections);
}

} // namespace stadion::tools
