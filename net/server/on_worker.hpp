// Methods whose state belongs to one worker. A request that comes in on another worker is posted to that one,
// and its answer is posted back.
#pragma once

#include "net/server/server.hpp"
#include "net/session/http_session.hpp"
#include "wire/json.hpp"

namespace stadion::net {

template <typename Outcome>
void answer_with(reply_sink& to, const Outcome& outcome) {
    if (outcome)
        to.reply(*outcome);
    else
        to.fail(outcome.error());
}

// Adds a method of the wire protocol. result<Response> run(const Request&) is called on `home`.
template <message Request, typename Run>
void add_call_on_worker(server& server, worker& home, std::string_view service, std::string_view method,
                        role_set need, Run run) {
    server.rpc().on_call<Request>(service, method, need, [&home, run](const Request& request, call& one) {
        if (home.is_current()) return answer_with(one, run(request));
        auto pending = one.defer();
        if (!pending) return;
        home.post([run, request, pending = std::move(pending)]() mutable {
            auto& callers = pending->home();
            callers.post(
                [outcome = run(request), pending = std::move(pending)] { answer_with(*pending, outcome); });
        });
    });
}

// Adds the method, and the same as POST `path` with the request and the answer in protobuf's JSON mapping.
template <message Request, typename Run>
void add_on_worker(server& server, worker& home, std::string_view service, std::string_view method,
                   std::string_view path, role_set need, Run run) {
    add_call_on_worker<Request>(server, home, service, method, need, run);
    server.http().on_exchange(
        http_method::post, path, need,
        [&home, run](http_request&& incoming, const std::shared_ptr<http_exchange>& exchange) {
            Request request;
            if (!incoming.body.empty())
                if (auto parsed = wire::from_json(incoming.body, request); !parsed)
                    return exchange->fail(parsed.error());
            home.post([run, request, exchange = exchange]() mutable {
                auto& callers = exchange->home();
                callers.post([outcome = run(request), exchange = std::move(exchange)] {
                    if (!outcome) return exchange->fail(outcome.error());
                    exchange->respond(json_response(wire::to_json(*outcome) + "\n"));
                });
            });
        });
}

} // namespace stadion::net
