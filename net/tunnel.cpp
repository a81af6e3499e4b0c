#include "net/tunnel.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace stadion::net {
namespace {

struct both_ends {
    tcp::socket one;
    tcp::socket other;
};

awaitable<void> pump([[maybe_unused]] std::shared_ptr<both_ends> ends, tcp::socket& from, tcp::socket& to) {
    std::vector<char> space(16 * 1024);
    error_code failure;
    for (;;) {
        const auto size =
            co_await from.async_read_some(asio::buffer(space), asio::redirect_error(use_awaitable, failure));
        if (failure) break;
        co_await asio::async_write(to, asio::buffer(space.data(), size),
                                   asio::redirect_error(use_awaitable, failure));
        if (failure) break;
    }
    error_code ignored;
    if (failure == asio::error::eof) {
        to.shutdown(tcp::socket::shutdown_send, ignored);
    } else {
        from.close(ignored);
        to.close(ignored);
    }
}

} // namespace

void start_tunnel(task_group& group, tcp::socket one, tcp::socket other) {
    auto ends = std::make_shared<both_ends>(both_ends{std::move(one), std::move(other)});
    group.spawn(pump(ends, ends->one, ends->other));
    group.spawn(pump(ends, ends->other, ends->one));
}

} // namespace stadion::net
