#include "tools/bench/bench_generator.hpp"

#include "net/tcp/address.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

namespace stadion::tools {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t buffer_size = 256 * 1024;
constexpr int events_max = 256;

struct peer {
    int descriptor = -1;
    std::size_t number = 0;
    std::uint64_t next_id = 0;
    std::uint64_t oldest_id = 0; // for answers that come in order and carry no id
    std::vector<clock::time_point>
        sent_at;        // index: id modulo the size, a power of two beyond what is outstanding
    std::string input;  // the rest of a frame that was not whole
    std::string output; // what the kernel has not taken
    bool waits_for_room = false;

    ~peer() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

class generator_thread {
public:
    generator_thread(const bench_load& load, const bench_traffic& traffic) : load_(load), traffic_(traffic) {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        buffer_.resize(buffer_size);
    }
    ~generator_thread() { ::close(epoll_); }

    wire::result<void> connect(std::size_t number) {
        auto descriptor = bench_connect(load_.address);
        if (!descriptor) return descriptor.error();
        auto one = std::make_unique<peer>();
        one->descriptor = *descriptor;
        one->number = number;
        one->next_id = one->oldest_id = load_.id_first;
        one->sent_at.resize(std::bit_ceil(load_.outstanding * 4));
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.ptr = one.get();
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, one->descriptor, &wanted);
        peers_.push_back(std::move(one));
        return {};
    }

    void run(clock::time_point measure_from, clock::time_point measure_until) {
        measure_from_ = measure_from;
        measure_until_ = measure_until;
        now_ = clock::now();
        for (auto& one : peers_) {
            traffic_.greet(one->output, one->number);
            ask(*one, load_.outstanding);
            send(*one);
        }
        epoll_event events[events_max];
        while (!failure_ && (now_ = clock::now()) < measure_until) {
            const int count = ::epoll_wait(epoll_, events, events_max, 50);
            now_ = clock::now();
            for (int i = 0; i < count && !failure_; ++i) {
                auto& one = *static_cast<peer*>(events[i].data.ptr);
                if (events[i].events & EPOLLOUT) send(one);
                if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(one);
            }
        }
    }

    bench_sample sample;       // without per_second
    std::uint64_t counted = 0; // answers in the time measured
    const std::optional<wire::error>& failure() const { return failure_; }

private:
    void ask(peer& one, std::size_t count) {
        const auto mask = one.sent_at.size() - 1;
        for (std::size_t i = 0; i < count; ++i) {
            one.sent_at[one.next_id & mask] = now_;
            traffic_.request(one.output, one.next_id++, one.number);
        }
    }

    void send(peer& one) {
        const auto size = ::send(one.descriptor, one.output.data(), one.output.size(), MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) return fail(errno);
        one.output.erase(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        const bool waits = !one.output.empty();
        if (waits == one.waits_for_room) return;
        one.waits_for_room = waits;
        epoll_event wanted{};
        wanted.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
        wanted.data.ptr = &one;
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, one.descriptor, &wanted);
    }

    void receive(peer& one) {
        const auto kept = one.input.size();
        std::memcpy(buffer_.data(), one.input.data(), kept);
        const auto size = ::recv(one.descriptor, buffer_.data() + kept, buffer_.size() - kept, 0);
        if (size == 0) return fail(ECONNRESET);
        if (size < 0) return errno == EAGAIN ? void() : fail(errno);
        std::string_view left(buffer_.data(), kept + static_cast<std::size_t>(size));
        const auto mask = one.sent_at.size() - 1;
        const bool measured = now_ >= measure_from_ && now_ < measure_until_;
        std::size_t answered = 0;
        for (;;) {
            const auto answer = traffic_.look_at(left);
            if (answer.size == 0) break;
            left.remove_prefix(answer.size);
            sample.failed += answer.failed;
            if (!answer.counts) continue;
            ++answered;
            const auto id = answer.id != 0 ? answer.id : one.oldest_id++;
            if (measured) sample.latency.record(now_ - one.sent_at[id & mask]);
        }
        if (measured) counted += answered;
        one.input.assign(left);
        if (answered == 0) return;
        ask(one, answered);
        if (!one.waits_for_room) send(one);
    }

    void fail(int number) {
        failure_ = wire::make_error(wire::status::unavailable, "a connection to " + load_.address +
                                                                   " was lost: " + std::strerror(number));
    }

    const bench_load& load_;
    const bench_traffic& traffic_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<peer>> peers_;
    std::vector<char> buffer_;
    clock::time_point now_;
    clock::time_point measure_from_;
    clock::time_point measure_until_;
    std::optional<wire::error> failure_;
};

} // namespace

wire::result<int> bench_connect(const std::string& address) {
    const auto parts = net::split_address(address);
    if (!parts) return parts.error();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(parts->port);
    const auto host = parts->host == "localhost" ? std::string("127.0.0.1") : parts->host;
    if (::inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1)
        return wire::make_error(wire::status::invalid_argument, address + " is not a numeric IPv4 address");
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || ::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        const int failure = errno;
        if (descriptor >= 0) ::close(descriptor);
        return wire::make_error(wire::status::unavailable,
                                "cannot connect to " + address + ": " + std::strerror(failure));
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return descriptor;
}

wire::result<bench_sample> generate(const bench_load& load, const bench_traffic& traffic) {
    std::vector<std::unique_ptr<generator_thread>> parts;
    for (std::size_t i = 0; i < load.threads; ++i)
        parts.push_back(std::make_unique<generator_thread>(load, traffic));
    for (std::size_t i = 0; i < load.connections; ++i)
        if (auto connected = parts[i % parts.size()]->connect(i); !connected) return connected.error();
    const auto from = clock::now() + load.warm_up;
    const auto until = from + load.measure;
    std::vector<std::thread> threads;
    for (auto& part : parts) threads.emplace_back([&part, from, until] { part->run(from, until); });
    for (auto& thread : threads) thread.join();
    bench_sample all;
    std::uint64_t counted = 0;
    for (const auto& part : parts) {
        if (part->failure()) return *part->failure();
        all.failed += part->sample.failed;
        all.latency.merge(part->sample.latency);
        counted += part->counted;
    }
    all.per_second = static_cast<double>(counted) / std::chrono::duration<double>(load.measure).count();
    return all;
}

} // namespace stadion::tools
