#include "net/tcp/listener.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/os/limited_log.hpp"
#include "net/tcp/address.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace stadion::net {
namespace {

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

} // namespace

listener::listener(runtime& threads, connection_limits limits, handler on_connection)
    : threads_(threads),
      limits_(limits),
      on_connection_(std::move(on_connection)),
      acceptor_(threads.at(0).context()),
      pause_(threads.at(0).context()),
      reserve_(open_reserve()) {}

listener::~listener() {
    if (reserve_ >= 0) ::close(reserve_);
}

wire::result<tcp::endpoint> listener::bind(const std::string& host, std::uint16_t port) {
    error_code failure;
    const auto where = host + ":" + std::to_string(port);
    const auto refuse = [&](const std::string& why) {
        return wire::make_error(wire::status::unavailable, "cannot listen on " + where + ": " + why);
    };
    tcp::resolver resolver(threads_.at(0).context());
    const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::numeric_service, failure);
    if (failure || found.empty()) return refuse("the host name is not known (" + failure.message() + ")");
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), failure);
    if (failure) return refuse(failure.message());
    acceptor_.set_option(tcp::acceptor::reuse_address(true), failure);
    acceptor_.bind(endpoint, failure);
    if (failure == asio::error::address_in_use)
        return refuse("the port is in use; choose another with --port, or 0 for a free one");
    if (failure) return refuse(failure.message());
    acceptor_.listen(4096, failure);
    if (failure) return refuse(failure.message());
    const auto bound = acceptor_.local_endpoint(failure);
    return bound;
}

void listener::start() {
    asio::post(threads_.at(0).context(), [this] { accept(); });
}

void listener::close() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

void listener::accept() {
    auto& home = threads_.least_busy();
    acceptor_.async_accept(home.context(), [this, &home](error_code failure, tcp::socket socket) {
        if (failure == asio::error::operation_aborted || !acceptor_.is_open()) return;
        if (failure == asio::error::no_descriptors ||
            failure == boost::system::errc::too_many_files_open_in_system) {
            static limited_log log{std::chrono::seconds{10}};
            log.warn("a caller is turned away: no file descriptor is left; raise the limit (ulimit -n, "
                     "LimitNOFILE=)");
            give_up_reserve();
            // A pause, so that a flood of connections does not use up the thread.
            pause_.expires_after(std::chrono::milliseconds{10});
            pause_.async_wait([this](error_code cancelled) {
                if (!cancelled) accept();
            });
            return;
        }
        if (!failure) {
            auto link =
                make_owned_by<connection>(home, home, std::move(socket), connection::side::accepted, limits_);
            home.post([this, link = std::move(link)] { on_connection_(link); });
        }
        accept();
    });
}

bool is_address_free(const std::string& address) {
    const auto parts = split_address(address);
    if (!parts) return true;
    error_code failure;
    const tcp::endpoint endpoint(asio::ip::make_address(parts->host, failure), parts->port);
    if (failure) return true;
    asio::io_context context;
    tcp::acceptor probe(context);
    probe.open(endpoint.protocol(), failure);
    probe.set_option(tcp::acceptor::reuse_address(true), failure);
    probe.bind(endpoint, failure);
    return failure != asio::error::address_in_use;
}

void listener::give_up_reserve() {
    if (reserve_ >= 0) ::close(reserve_);
    const int refused = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (refused >= 0) ::close(refused);
    reserve_ = open_reserve();
}

} // namespace stadion::net
