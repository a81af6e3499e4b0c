#include "net/rpc/connect.hpp"

#include "net/tcp/address.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>

#include <netinet/tcp.h>

namespace stadion::net {
namespace {

// A connection attempt, which ends when its time is over.
struct attempt {
    attempt(worker& home, std::chrono::milliseconds within)
        : socket(home.context()), resolver(home.context()) {
        home.arm(limit, within);
    }

    void on_timeout() {
        timed_out = true;
        error_code ignored;
        socket.close(ignored);
        resolver.cancel();
    }

    tcp::socket socket;
    tcp::resolver resolver;
    bool timed_out = false;
    member_deadline<attempt, &attempt::on_timeout> limit{*this};
};

// A stream may be silent for as long as nothing happens. TCP keep-alive notices within a minute that the
// other machine is gone.
void enable_keep_alive(tcp::socket& socket) {
    using seconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
    using interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
    using times = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
    error_code ignored;
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    socket.set_option(seconds(30), ignored);
    socket.set_option(interval(10), ignored);
    socket.set_option(times(3), ignored);
}

awaitable<error_code> connect_any(attempt& one, address where) {
    error_code failure;
    const auto numeric = asio::ip::make_address(where.host, failure);
    if (!failure) {
        co_await one.socket.async_connect({numeric, where.port},
                                          asio::redirect_error(use_awaitable, failure));
        co_return failure;
    }
    const auto found = co_await one.resolver.async_resolve(where.host, std::to_string(where.port),
                                                           asio::redirect_error(use_awaitable, failure));
    if (!failure && !one.timed_out)
        co_await asio::async_connect(one.socket, found, asio::redirect_error(use_awaitable, failure));
    co_return failure;
}

} // namespace

awaitable<wire::result<tcp::socket>> connect_to(worker& home, std::string address,
                                                std::chrono::milliseconds within) {
    const auto where = split_address(address);
    if (!where) co_return where.error();
    attempt one(home, within);
    const auto failure = co_await connect_any(one, *where);
    if (one.timed_out)
        co_return wire::make_error(wire::status::deadline_exceeded,
                                   "connecting to " + address + " took longer than " +
                                       std::to_string(within.count()) + " ms");
    if (failure)
        co_return wire::make_error(wire::status::unavailable,
                                   "cannot connect to " + address + ": " + failure.message());
    error_code ignored;
    one.socket.set_option(tcp::no_delay(true), ignored);
    enable_keep_alive(one.socket);
    co_return std::move(one.socket);
}

} // namespace stadion::net
