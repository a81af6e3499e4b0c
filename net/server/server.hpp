// A server of any kind: one port, what every server answers (common_routes.hpp), and an ordered shutdown.
// Each kind of server adds its own methods and paths before `listen`.
//
// Shutdown: stop accepting, tell every session to finish, wait for the sessions up to a bound, close the
// rest.
//
// Threading: constructed, listened to and drained on a thread that is not a worker.
#pragma once

#include "net/session/server_context.hpp"
#include "net/tcp/listener.hpp"

#include <nlohmann/json_fwd.hpp>
#include <prometheus/registry.h>

namespace stadion::net {

class server {
public:
    server(runtime& threads, std::string kind, access_policy access, session_limits limits = {});
    ~server();

    runtime& threads() noexcept { return threads_; }
    server_context& context() noexcept { return context_; }
    rpc_router& rpc() noexcept { return context_.rpc; }
    http_router& http() noexcept { return context_.http; }
    prometheus::Registry& metrics() noexcept { return *registry_; }

    // Adds a check to /readyz, which shows the message of an error. Called on any worker: must not block.
    void add_check(std::string name, std::function<wire::result<void>()> run);
    // Adds fields to /status. Called on any worker.
    void add_status(std::function<void(nlohmann::ordered_json&)> add);
    // Adds metric families to /metrics. Called on any worker.
    void add_metrics(std::function<void(std::vector<prometheus::MetricFamily>&)> add);
    // Adds a service to /services.
    void add_service(std::string name, std::string title);

    // Begins to serve, and returns the address for others. UNAVAILABLE when the address cannot be bound,
    // FAILED_PRECONDITION beyond loopback without tokens, INVALID_ARGUMENT for a malformed host or origin.
    wire::result<std::string> listen(const std::string& host, std::uint16_t port);
    const std::string& address() const noexcept { return address_; }

    bool is_ready();
    std::size_t connections() const noexcept;

    // Returns when every session has finished, or was closed after `hard`.
    void drain(std::chrono::milliseconds hard);

private:
    friend struct common_routes;
    struct check {
        std::string name;
        std::function<wire::result<void>()> run;
    };
    struct service {
        std::string name;
        std::string title;
    };

    runtime& threads_;
    server_context context_;
    std::shared_ptr<prometheus::Registry> registry_;
    std::vector<check> checks_;
    std::vector<service> services_;
    std::vector<std::function<void(nlohmann::ordered_json&)>> status_;
    std::vector<std::function<void(std::vector<prometheus::MetricFamily>&)>> metrics_;
    std::unique_ptr<listener> listener_;
    std::string address_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// The name of this program with its version, and the version alone.
std::string software_name();
std::string software_version();

} // namespace stadion::net
