#include "tools/cat/cat_connection.hpp"

#include "net/tcp/address.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace stadion::tools {
namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t frame_size_max = 16 << 20;

wire::error unavailable(const std::string& what, int number) {
    return wire::make_error(wire::status::unavailable, what + ": " + std::strerror(number));
}

// 0, or why not.
int connect_within(int descriptor, const addrinfo& to, int within_ms) {
    if (::connect(descriptor, to.ai_addr, to.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd polled{descriptor, POLLOUT, 0};
    if (::poll(&polled, 1, within_ms) != 1) return ETIMEDOUT;
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure;
}

} // namespace

wire::result<cat_connection> cat_connection::connect(const std::string& address, int within_ms) {
    const auto parts = net::split_address(address);
    if (!parts) return parts.error();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int failure =
            ::getaddrinfo(parts->host.c_str(), std::to_string(parts->port).c_str(), &hints, &found))
        return wire::make_error(wire::status::unavailable, address + ": " + ::gai_strerror(failure));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
    int failure = EADDRNOTAVAIL;
    for (const auto* one = found; one != nullptr; one = one->ai_next) {
        const int descriptor = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (descriptor < 0) continue;
        cat_connection connection(descriptor);
        failure = connect_within(descriptor, *one, within_ms);
        if (failure != 0) continue;
        const int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return connection;
    }
    return unavailable("cannot connect to " + address, failure);
}

cat_connection::cat_connection(cat_connection&& other) noexcept
    : on_bytes(std::move(other.on_bytes)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      input_(std::move(other.input_)) {}

cat_connection& cat_connection::operator=(cat_connection&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(input_, other.input_);
    std::swap(on_bytes, other.on_bytes);
    return *this;
}

cat_connection::~cat_connection() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

wire::result<void> cat_connection::send(std::string_view bytes) {
    if (on_bytes) on_bytes(direction::sent, bytes);
    while (!bytes.empty()) {
        const auto size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(size));
        } else if (errno == EAGAIN) {
            pollfd polled{descriptor_, POLLOUT, 0};
            ::poll(&polled, 1, -1);
        } else if (errno != EINTR) {
            return unavailable("the connection was lost", errno);
        }
    }
    return {};
}

wire::result<void> cat_connection::send_frame(const wire::frame_header& header, std::string_view body,
                                              const v1::Metadata* metadata) {
    std::string bytes;
    if (metadata == nullptr)
        wire::append_frame(bytes, header, body);
    else
        wire::append_frame(bytes, header, metadata->SerializeAsString(), body);
    return send(bytes);
}

wire::result<void> cat_connection::receive(const std::function<void(const wire::frame&)>& on_frame) {
    const auto before = input_.size();
    input_.resize(before + read_size);
    const auto size = ::recv(descriptor_, input_.data() + before, read_size, 0);
    const int failure = errno;
    input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (size == 0) return wire::make_error(wire::status::unavailable, "the other side closed the connection");
    if (size < 0 && failure != EAGAIN && failure != EINTR)
        return unavailable("the connection was lost", failure);

    std::string_view left = input_;
    wire::frame frame;
    for (;;) {
        const auto decoded = wire::decode(left, frame, frame_size_max);
        if (decoded.status == wire::decode_status::incomplete) break;
        if (decoded.status == wire::decode_status::violation) {
            if (on_bytes) on_bytes(direction::received, left);
            return wire::make_error(decoded.code, decoded.message);
        }
        if (on_bytes) on_bytes(direction::received, left.substr(0, decoded.size));
        if (decoded.status == wire::decode_status::complete) on_frame(frame);
        left.remove_prefix(decoded.size);
    }
    input_.erase(0, input_.size() - left.size());
    return {};
}

} // namespace stadion::tools
