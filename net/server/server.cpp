#include "net/server/server.hpp"

#include "net/os/descriptors.hpp"
#include "net/server/common_routes.hpp"
#include "net/session/first_byte.hpp"
#include "net/tcp/address.hpp"

#include <thread>

namespace stadion::net {

std::string software_version() { return STADION_VERSION; }
std::string software_name() { return "stadion/" + software_version(); }

server::server(runtime& threads, std::string kind, access_policy access, session_limits limits)
    : threads_(threads), registry_(std::make_shared<prometheus::Registry>()) {
    context_.kind = std::move(kind);
    context_.software = software_name();
    context_.access = std::move(access);
    context_.limits = limits;
    context_.metrics.resize(threads.size());
    context_.limits.connection.all_bytes_max =
        limits.all_bytes_max != 0 ? limits.all_bytes_max : bytes_held_max();
    add_check("descriptors", check_descriptors);
    common_routes::add_to(*this);
}

server::~server() = default;

void server::add_check(std::string name, std::function<wire::result<void>()> run) {
    checks_.push_back({std::move(name), std::move(run)});
}

void server::add_metrics(std::function<void(std::vector<prometheus::MetricFamily>&)> add) {
    metrics_.push_back(std::move(add));
}

void server::add_status(std::function<void(nlohmann::ordered_json&)> add) {
    status_.push_back(std::move(add));
}

void server::add_service(std::string name, std::string title) {
    services_.push_back({std::move(name), std::move(title)});
}

wire::result<std::string> server::listen(const std::string& host, std::uint16_t port) {
    if (auto sound = context_.origins.verify(); !sound) return sound.error();
    error_code failure;
    const auto address = asio::ip::make_address(host, failure);
    if (!failure)
        if (auto allowed = context_.access.check_bind(address); !allowed) return allowed.error();
    if (failure && host != "localhost" && context_.access.is_open())
        return wire::make_error(wire::status::failed_precondition,
                                "refusing to serve on " + host + " without --token-file");
    listener_ = std::make_unique<listener>(threads_, context_.limits.connection, [this](auto link) {
        if (context_.draining) return link->close();
        link->start(std::make_unique<first_byte>(*link, context_));
    });
    auto bound = listener_->bind(host, port);
    if (!bound) return bound.error();
    address_ = join_address(host, bound->port());
    context_.origins.bound_to(host, bound->port());
    listener_->start(); // from here on the workers read the context
    return address_;
}

bool server::is_ready() {
    if (context_.draining) return false;
    for (const auto& one : checks_)
        if (!one.run()) return false;
    return true;
}

std::size_t server::connections() const noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < threads_.size(); ++i) total += threads_.at(i).connections;
    return total;
}

void server::drain(std::chrono::milliseconds hard) {
    context_.draining = true;
    const auto until = std::chrono::steady_clock::now() + hard;
    std::atomic<std::size_t> left{0};
    const auto visit = [&](const std::function<void(channel&)>& action) {
        left = 0;
        threads_.run_on_each([&](worker& home) {
            if (home.index() == 0 && listener_) listener_->close();
            home.for_each_channel([&](channel& one) {
                if (!one.is_served()) return;
                ++left;
                action(one);
            });
        });
        return left.load();
    };
    visit([](channel& one) { one.drain(); });
    while (visit([](channel&) {}) != 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    visit([](channel& one) { one.close(); });
    threads_.run_on_each([](worker&) {}); // runs what closing has posted: streams end before their boards
}

} // namespace stadion::net
