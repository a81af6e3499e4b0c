// Passes /v1/… and the four old names on to a front-end, for those who know only the dispatcher's address.
//
// The front-end is the least loaded that is up and offers the service. When it fails before anything of an
// answer has come, another one is asked. A write without an idempotency key gets one here, so that asking
// again never counts it twice. Streams are passed on piece by piece and only as fast as the caller reads. A
// request for a WebSocket is passed on like any other, and becomes a tunnel when its answer is 101.
//
// Where a request comes from (net/http/origin_policy.hpp) is judged here; to the front-end it is ours.
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

    // Ends what is still being forwarded. On a thread that is not a worker.
    void stop();

private:
    using request_ptr = std::shared_ptr<const net::http_request>;
    using exchange_ptr = std::shared_ptr<net::http_exchange>;

    struct seat {
        explicit seat(net::worker& at)
            : home(at), client(at), tasks(at, net::task_group::thrown_ends::task) {}
        net::worker& home;
        net::http_client client;
        net::task_group tasks;
    };

    seat& seat_of(net::http_exchange& exchange) { return *seats_[exchange.home().index()]; }
    void take(net::http_request&& request, const exchange_ptr& exchange);
    void answer_later(seat& here, const request_ptr& request, net::http_exchange& exchange);
    void show_operation(const net::http_request& request, net::http_exchange& exchange);

    net::awaitable<void> forward(seat& here, request_ptr request, exchange_ptr exchange);
    net::awaitable<void> run_operation(seat& here, request_ptr request, std::string id);

    struct reached {
        reached() = default; // no aggregate: see http_client.hpp

        std::unique_ptr<net::http_answer> answer; // or
        wire::error failure;
    };
    net::awaitable<reached> reach(seat& here, request_ptr request);

    std::shared_ptr<fleet_service> fleet_;
    std::vector<std::unique_ptr<seat>> seats_; // index: worker
    operations operations_;
};

} // namespace stadion::dispatcher
