// Passes /v1/… and four old paths on to a front-end, for clients that know only the dispatcher's address.
//
// The front-end is the least loaded that is up and offers the service. If it fails before any of its answer
// has come, another one is asked. A write without an idempotency key gets one here, so a repeated request
// counts once. Streams are passed on piece by piece, and only as fast as the caller reads. A request for a
// WebSocket is passed on like any other and becomes a tunnel when its answer is 101.
//
// The origin of a request (net/http/origin_policy.hpp) is checked here and not passed on.
//
// With `Prefer: respond-async` the caller gets 202 and an address that has the answer later (RFC 7240).
//
// Threading: each request on its connection's worker. Bound: `in_flight_max` forwarded requests per worker.
#pragma once

#include "dispatcher/core/operations.hpp"
#include "dispatcher/service/fleet_service.hpp"
#include "net/http/http_client.hpp"
#include "net/loop/task_group.hpp"
#include "net/server/server.hpp"
#include "net/session/http_session.hpp"

namespace stadion::dispatcher {

class forwarding_service {
public:
    forwarding_service(net::runtime& threads, std::shared_ptr<fleet_service> fleet);

    void add_to(net::server& server);

    // Cancels what is still being forwarded. On a thread that is not a worker.
    void stop();

private:
    using request_ptr = std::shared_ptr<const net::http_request>;
    using exchange_ptr = std::shared_ptr<net::http_exchange>;

    struct worker_state {
        explicit worker_state(net::worker& at)
            : home(at), client(at), tasks(at, net::task_group::thrown_ends::task) {}
        net::worker& home;
        net::http_client client;
        net::task_group tasks;
    };

    worker_state& state_of(net::http_exchange& exchange) { return *workers_[exchange.home().index()]; }
    void take(net::http_request&& request, const exchange_ptr& exchange);
    void answer_later(worker_state& here, const request_ptr& request, net::http_exchange& exchange);
    void show_operation(const net::http_request& request, net::http_exchange& exchange);

    net::awaitable<void> forward(worker_state& here, request_ptr request, exchange_ptr exchange);
    net::awaitable<void> run_operation(worker_state& here, request_ptr request, std::string id);

    struct reached {
        reached() = default; // no aggregate: see http_client.hpp

        std::unique_ptr<net::http_answer> answer; // or
        wire::error failure;
    };
    net::awaitable<reached> reach(worker_state& here, request_ptr request);

    std::shared_ptr<fleet_service> fleet_;
    std::vector<std::unique_ptr<worker_state>> workers_; // index: worker
    operations operations_;
};

} // namespace stadion::dispatcher
