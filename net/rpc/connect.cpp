#include "net/rpc/connect.hpp"

#include "net/tcp/address.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>

#include <netinet/tcp.h>

namespace stadion::net {
namespace {

// Gives up what waits when the time is over.
struct time_limit : deadline {
    tcp::socket socket;
    tcp::resolver resolver;
    bool passed = false;

    explicit time_limit(worker& home)
        : deadline([](deadline& entry) {
              auto& self = static_cast<time_limit&>(entry);
              self.passed = true;
              error_code ignored;
              self.socket.close(ignored);
              self.resolver.cancel();
          }),
          socket(home.context()),
          resolver(home.context()) {}
};

// A stream may be silent for as long as nothing happens; a machine that has gone without a word is noticed
// all the same, within a minute.
void notice_death(tcp::socket& socket) {
    using seconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using times = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    error_code ignored;
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    socket.set_option(seconds(30), ignored);
    socket.set_option(interval(10), ignored);
    socket.set_option(times(3), ignored);
}

awaitable<error_code> connect_any(time_limit& limit, address where) {
    error_code failure;
    const auto numeric = asio::ip::make_address(where.host, failure);
    if (!failure) {
        co_await limit.socket.async_connect({numeric, where.port},
                                            asio::redirect_error(use_awaitable, failure));
        co_return failure;
    }
    const auto found = co_await limit.resolver.async_resolve(where.host, std::to_string(where.port),
                                                             asio::redirect_error(use_awaitable, failure));
    if (!failure && !limit.passed)
        co_await asio::async_connect(limit.socket, found, asio::redirect_error(use_awaitable, failure));
    co_return failure;
}

} // namespace

awaitable<wire::result<tcp::socket>> connect_to(worker& home, std::string address,
                                                std::chrono::milliseconds within) {
    const auto where = split_address(address);
    if (!where) co_return where.error();
    time_limit limit(home);
    home.arm(limit, within);
    const auto failure = co_await connect_any(limit, *where);
    if (limit.passed)
        co_return wire::make_error(wire::status::deadline_exceeded,
                                   "connecting to " + address + " took longer than " +
                                       std::to_string(within.count()) + " ms");
    if (failure)
        co_return wire::make_error(wire::status::unavailable,
                                   "cannot connect to " + address + ": " + failure.message());
    error_code ignored;
    limit.socket.set_option(tcp::no_delay(true), ignored);
    notice_death(limit.socket);
    co_return std::move(limit.socket);
}

} // namespace stadion::net
