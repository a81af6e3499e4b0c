#include "tools/bench/bench_push.hpp"

#include "tools/bench/push_account.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

namespace stadion::tools {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t buffer_size = 256 * 1024;
// Time for the subscriptions to be made before the writer begins.
constexpr auto settle = std::chrono::milliseconds(300);

struct subscriber {
    int descriptor = -1;
    std::string rest; // of a frame that was not whole
    ~subscriber() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

std::uint32_t stamp_now() {
    return stamp_of(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(clock::now().time_since_epoch()).count()));
}

class subscribers {
public:
    explicit subscribers(const push_load& load)
        : load_(load),
          epoll_(::epoll_create1(EPOLL_CLOEXEC)),
          buffer_(buffer_size),
          account_(load.subscribers) {}
    ~subscribers() { ::close(epoll_); }

    wire::result<void> connect() {
        for (std::size_t i = 0; i < load_.subscribers; ++i) {
            const auto descriptor = bench_connect(load_.address);
            if (!descriptor) return descriptor.error();
            auto one = std::make_unique<subscriber>();
            one->descriptor = *descriptor;
            epoll_event wanted{};
            wanted.events = EPOLLIN;
            wanted.data.ptr = one.get();
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, one->descriptor, &wanted);
            if (::send(one->descriptor, load_.subscribe.data(), load_.subscribe.size(), MSG_NOSIGNAL) !=
                static_cast<ssize_t>(load_.subscribe.size()))
                return lost(errno);
            all_.push_back(std::move(one));
        }
        return {};
    }

    wire::result<push_sample> run(clock::time_point from, clock::time_point until) {
        epoll_event events[128];
        for (auto now = clock::now(); now < until; now = clock::now()) {
            const int count = ::epoll_wait(epoll_, events, 128, 50);
            const auto measured = (now = clock::now()) >= from && now < until;
            for (int i = 0; i < count; ++i)
                if (auto taken = receive(*static_cast<subscriber*>(events[i].data.ptr), measured); !taken)
                    return taken.error();
        }
        push_sample sample;
        sample.deliveries_per_second =
            static_cast<double>(delivered_) / std::chrono::duration<double>(until - from).count();
        sample.to_each = account_.to_each();
        sample.to_last = account_.to_last();
        sample.not_to_all = account_.not_to_all();
        return sample;
    }

private:
    wire::error lost(int number) const {
        return wire::make_error(wire::status::unavailable,
                                std::string("a subscriber was cut off: ") + std::strerror(number));
    }

    wire::result<void> receive(subscriber& one, bool measured) {
        const auto kept = one.rest.size();
        std::memcpy(buffer_.data(), one.rest.data(), kept);
        const auto size = ::recv(one.descriptor, buffer_.data() + kept, buffer_.size() - kept, 0);
        if (size == 0) return lost(ECONNRESET);
        if (size < 0) return errno == EAGAIN ? wire::result<void>() : wire::result<void>(lost(errno));
        std::string_view left(buffer_.data(), kept + static_cast<std::size_t>(size));
        const auto now = stamp_now();
        for (push_frame frame; (frame = look_at_push(left)).size != 0; left.remove_prefix(frame.size)) {
            if (!frame.is_event) continue;
            delivered_ += measured;
            account(left.substr(0, frame.size), now, measured);
        }
        one.rest.assign(left);
        return {};
    }

    // Looks for the stamp first where the event before had it.
    void account(std::string_view event, std::uint32_t now, bool measured) {
        const auto sequence = sequence_of_event(event.substr(wire::frame_header_size));
        if (!sequence || load_.marker.empty()) return;
        if (event.substr(std::min(stamp_at_, event.size())).substr(0, load_.marker.size()) != load_.marker)
            stamp_at_ = event.find(load_.marker);
        if (stamp_at_ == std::string_view::npos ||
            stamp_at_ + load_.marker.size() + stamp_size > event.size())
            return void(stamp_at_ = 0);
        const auto stamp = read_stamp(event.data() + stamp_at_ + load_.marker.size());
        account_.delivered(*sequence, std::chrono::microseconds(between(stamp, now)), measured);
    }

    const push_load& load_;
    int epoll_;
    std::vector<char> buffer_;
    std::vector<std::unique_ptr<subscriber>> all_;
    std::uint64_t delivered_ = 0;
    push_account account_;
    std::size_t stamp_at_ = 0; // where the marker of the last event began
};

} // namespace

push_frame look_at_push(std::string_view received) noexcept {
    if (received.size() < wire::frame_header_size) return {};
    std::uint32_t length = 0;
    std::memcpy(&length, received.data(), sizeof length);
    const std::size_t size = __builtin_bswap32(length) + sizeof length;
    if (received.size() < size) return {};
    const auto kind = static_cast<wire::frame_kind>(received[4]);
    return {size, kind == wire::frame_kind::event || kind == wire::frame_kind::request};
}

wire::result<push_sample> generate_push(const push_load& load, const bench_traffic& writer) {
    subscribers all(load);
    if (auto connected = all.connect(); !connected) return connected.error();
    const auto from = clock::now() + settle + load.warm_up;
    const auto until = from + load.measure;
    auto writing = std::async(std::launch::async, [&] {
        std::this_thread::sleep_for(settle);
        return generate({load.address, 1, load.outstanding, 1, load.warm_up, load.measure, load.id_first},
                        writer);
    });
    auto sample = all.run(from, until);
    const auto written = writing.get();
    if (!written) return written.error();
    if (sample) sample->updates_per_second = written->per_second;
    return sample;
}

} // namespace stadion::tools
