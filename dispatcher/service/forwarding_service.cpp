#include "dispatcher/service/forwarding_service.hpp"

#include "net/http/tunnel.hpp"
#include "net/http/websocket_handshake.hpp"
#include "wire/hex.hpp"
#include "wire/retry_key.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <future>
#include <random>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;
using net::http_method;

constexpr std::size_t in_flight_max = 4096; // per worker
constexpr int attempts_max = 3;
constexpr auto head_within = 30s;
constexpr auto body_within = 30s;
constexpr std::size_t whole_body_max = 8 << 20;

// Headers of one connection, which are never passed on (RFC 9110, 7.6.1), and those that are written anew.
bool is_hop_by_hop(std::string_view name) {
    static constexpr std::array<std::string_view, 12> names{"connection",
                                                            "keep-alive",
                                                            "proxy-authenticate",
                                                            "proxy-connection",
                                                            "te",
                                                            "trailer",
                                                            "transfer-encoding",
                                                            "upgrade",
                                                            "content-length",
                                                            "host",
                                                            "date",
                                                            "expect"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Headers that the Connection header names belong to that connection too.
net::http_headers end_to_end(const net::http_headers& headers) {
    net::http_headers kept;
    for (const auto& [name, value] : headers)
        if (!is_hop_by_hop(name) && !net::has_token(headers, "connection", name))
            kept.emplace_back(name, value);
    return kept;
}

// What the dispatcher itself has checked or handled.
bool is_for_us(std::string_view name) {
    return name == "prefer" || name == "origin" || name.starts_with("sec-fetch-");
}

bool may_switch(const net::http_request& request) {
    return request.method == http_method::get && request.body.empty() && net::is_upgrade(request);
}

bool changes_something(http_method method) {
    return method != http_method::get && method != http_method::head;
}

bool is_endless(std::string_view path) { return path == "/v1/stream" || path == "/v1/feed"; }

// The service a front-end must offer for this path; any will do for the board itself.
std::string service_of(std::string_view path) {
    if (path.starts_with("/v1/users")) return "Social";
    if (path.starts_with("/v1/questions")) return "Questions";
    if (path.starts_with("/v1/raffle")) return "Raffle";
    return {};
}

std::string random_name() {
    thread_local std::random_device source;
    std::string bytes;
    while (bytes.size() < 16) bytes += static_cast<char>(source() & 0xff);
    return wire::to_hex(bytes);
}

bool asks_for_later(const net::http_request& request) {
    return request.header("prefer").find("respond-async") != std::string_view::npos &&
           !is_endless(request.path) && !may_switch(request);
}

net::http_client_request outgoing(const net::http_request& from) {
    net::http_client_request to;
    // A HEAD is sent as a GET, so that its answer has the length a GET's would have. A stream has none.
    const bool as_get = from.method == http_method::head && !is_endless(from.path);
    to.method = net::http_method_name(as_get ? http_method::get : from.method);
    to.target = from.target;
    to.body = from.body;
    to.may_repeat = true; // writes too: they have a key
    for (auto& [name, value] : end_to_end(from.headers))
        if (!is_for_us(name)) to.headers.emplace_back(std::move(name), std::move(value));
    if (may_switch(from)) {
        to.headers.emplace_back("Connection", "Upgrade");
        to.headers.emplace_back("Upgrade", from.header("upgrade"));
    }
    if (changes_something(from.method) && from.header("idempotency-key").empty())
        to.headers.emplace_back("Idempotency-Key", std::string(wire::retry_key_prefix) + random_name());
    to.headers.emplace_back("Via", "1.1 stadion");
    return to;
}

net::http_headers headers_to_pass(const net::http_answer& answer) {
    auto headers = end_to_end(answer.headers());
    std::erase_if(headers, [](const auto& field) { return field.first == "content-type"; });
    return headers;
}

using choice = std::optional<wire::result<v1::Server>>; // co_spawn needs a default constructor

net::awaitable<choice> ask_fleet(std::shared_ptr<fleet_service> fleet, std::string service,
                                 std::vector<std::string> except) {
    co_return fleet->forward_target(service, except);
}

// Asks on the fleet's worker and resumes on the caller's.
net::awaitable<wire::result<v1::Server>> choose(std::shared_ptr<fleet_service> fleet, std::string service,
                                                std::vector<std::string> except) {
    auto& context = fleet->home().context();
    auto chosen = co_await net::asio::co_spawn(
        context, ask_fleet(std::move(fleet), std::move(service), std::move(except)), net::use_awaitable);
    co_return *std::move(chosen);
}

// What an exchange tells a coroutine that passes a stream on.
class stream_watch {
public:
    stream_watch(net::http_exchange& exchange, net::http_answer& answer)
        : exchange_(exchange), wake_(exchange.home().context()) {
        exchange_.on_drained = [this] { wake_.cancel(); };
        exchange_.on_abandoned = [this, &answer] {
            answer.cancel();
            wake_.cancel();
        };
    }
    ~stream_watch() {
        exchange_.on_drained = nullptr;
        exchange_.on_abandoned = nullptr;
    }
    stream_watch(const stream_watch&) = delete;
    stream_watch& operator=(const stream_watch&) = delete;

    net::awaitable<void> until_drained() {
        while (exchange_.is_open() && exchange_.is_congested()) {
            wake_.expires_at(std::chrono::steady_clock::time_point::max());
            net::error_code woken;
            co_await wake_.async_wait(net::asio::redirect_error(net::use_awaitable, woken));
        }
    }

private:
    net::http_exchange& exchange_;
    net::asio::steady_timer wake_;
};

net::awaitable<void> pass_stream(std::shared_ptr<net::http_exchange> exchange, net::http_answer& answer) {
    exchange->begin_stream(answer.header("content-type"));
    stream_watch watch(*exchange, answer);
    while (exchange->is_open()) {
        auto piece = co_await answer.read_some(0ms);
        if (!piece) {
            // The stream broke off. Closing shows the follower that it did not end, so that it resumes.
            exchange->link().close();
            co_return;
        }
        if (piece->empty()) break;
        exchange->write(*piece);
        co_await watch.until_drained();
    }
    exchange->end_stream();
}

// The front-end has agreed; from here on bytes are passed on unread.
void pass_upgrade(net::http_exchange& exchange, net::http_answer& answer) {
    auto headers = headers_to_pass(answer);
    headers.emplace_back("Upgrade", answer.header("upgrade"));
    headers.emplace_back("Connection", "Upgrade");
    if (!exchange.is_open()) return; // the caller has gone meanwhile
    auto server = answer.take_connection();
    exchange.switch_to(std::move(headers), net::make_tunnel(exchange.link(), std::move(server.socket)),
                       server.early);
}

net::http_response failed_answer(const wire::error& failure) { return net::problem(failure, "dispatcher"); }

} // namespace

forwarding_service::forwarding_service(net::runtime& threads, std::shared_ptr<fleet_service> fleet)
    : fleet_(std::move(fleet)), operations_({}, random_name) {
    for (std::size_t i = 0; i < threads.size(); ++i)
        workers_.push_back(std::make_unique<worker_state>(threads.at(i)));
}

void forwarding_service::add_to(net::server& server) {
    const auto forward = [this](net::http_request&& request, const exchange_ptr& exchange) {
        take(std::move(request), exchange);
    };
    server.http().on_exchange(http_method::get, "/v1/operations/{id}", net::anyone,
                              [this](net::http_request&& request, const exchange_ptr& exchange) {
                                  show_operation(request, *exchange);
                              });
    for (const auto method : {http_method::get, http_method::post, http_method::put, http_method::delete_})
        server.http().on_exchange(method, "/v1/{*}", net::anyone, forward);
    for (const auto* path : {"/query_score_by_game", "/query_medal_tally_by_team"})
        server.http().on_exchange(http_method::get, path, net::anyone, forward);
    for (const auto* path : {"/update_score_by_game", "/increment_medal_tally"})
        server.http().on_exchange(http_method::post, path, net::anyone, forward);
}

void forwarding_service::take(net::http_request&& incoming, const exchange_ptr& exchange) {
    auto& here = state_of(*exchange);
    if (here.tasks.size() >= in_flight_max) {
        auto failure =
            wire::make_error(wire::status::resource_exhausted, "too many requests are being forwarded");
        failure.retry_after = 1s;
        return exchange->fail(failure);
    }
    auto request = std::make_shared<const net::http_request>(std::move(incoming));
    if (request->path == "/v1/ws")
        if (auto sound = net::accept_websocket(*request); !sound)
            return exchange->respond(net::refuse_websocket(sound.error(), exchange->node()));
    if (asks_for_later(*request)) return answer_later(here, request, *exchange);
    here.tasks.spawn(forward(here, std::move(request), exchange));
}

// Asks one front-end after the other until one answers.
net::awaitable<forwarding_service::reached> forwarding_service::reach(worker_state& here,
                                                                      request_ptr request) {
    const auto message = outgoing(*request);
    std::vector<std::string> failed;
    reached result;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        auto target = co_await choose(fleet_, service_of(request->path), failed);
        if (!target) {
            if (failed.empty()) result.failure = target.error();
            break;
        }
        auto outcome = co_await here.client.ask(target->address(), message, head_within);
        if (outcome.answer) {
            result.answer = std::move(outcome.answer);
            co_return result;
        }
        result.failure = std::move(outcome.failure.error);
        result.failure.outcome_unknown = outcome.failure.was_sent && changes_something(request->method);
        if (result.failure.code == wire::status::deadline_exceeded) co_return result;
        failed.push_back(target->address());
    }
    result.failure.retry_after = std::max<std::chrono::milliseconds>(result.failure.retry_after, 1s);
    co_return result;
}

net::awaitable<void> forwarding_service::forward(worker_state& here, request_ptr request,
                                                 exchange_ptr exchange) {
    auto [answer, failure] = co_await reach(here, request);
    if (!answer) {
        exchange->fail(failure);
        co_return;
    }
    if (answer->status() == 101) {
        pass_upgrade(*exchange, *answer);
        co_return;
    }
    if (answer->is_stream() && answer->status() == 200) {
        co_await pass_stream(std::move(exchange), *answer);
        co_return;
    }
    auto body = co_await answer->read_all(whole_body_max, body_within);
    if (!body) {
        exchange->fail(body.error());
        co_return;
    }
    net::http_response response;
    response.status = answer->status();
    response.content_type = std::string(answer->header("content-type"));
    response.headers = headers_to_pass(*answer);
    response.body = *std::move(body);
    exchange->respond(std::move(response));
}

// --- answers that come later ---

void forwarding_service::answer_later(worker_state& here, const request_ptr& request,
                                      net::http_exchange& exchange) {
    auto id = operations_.begin(std::chrono::steady_clock::now());
    if (!id) return exchange.fail(id.error());
    const auto location = "/v1/operations/" + *id;
    here.tasks.spawn(run_operation(here, request, *id));
    auto response = net::json_response(
        "{\"id\":\"" + *id + "\",\"state\":\"RUNNING\",\"location\":\"" + location + "\"}\n", 202);
    response.headers = {
        {"Location", location}, {"Preference-Applied", "respond-async"}, {"Retry-After", "1"}};
    exchange.respond(std::move(response));
}

net::awaitable<void> forwarding_service::run_operation(worker_state& here, request_ptr request,
                                                       std::string id) {
    auto [answer, failure] = co_await reach(here, request);
    operations::answer result;
    if (answer) {
        auto body = co_await answer->read_all(whole_body_max, body_within);
        if (body)
            result = {answer->status(), std::string(answer->header("content-type")), *std::move(body),
                      headers_to_pass(*answer)};
        else
            failure = body.error();
        if (!body) answer.reset();
    }
    if (!answer) {
        auto response = failed_answer(failure);
        result = {response.status, response.content_type, response.body, response.headers};
    }
    operations_.end(id, std::move(result), std::chrono::steady_clock::now());
}

// 202 while it runs; then the answer that the request would have got at once.
void forwarding_service::show_operation(const net::http_request& request, net::http_exchange& exchange) {
    const auto& id = request.captures[0];
    auto found = operations_.find(id, std::chrono::steady_clock::now());
    if (!found) return exchange.fail(wire::make_error(wire::status::not_found, "no such operation: " + id));
    if (!found->result) {
        auto running = net::json_response("{\"id\":\"" + id + "\",\"state\":\"RUNNING\"}\n", 202);
        running.headers = {{"Retry-After", "1"}};
        return exchange.respond(std::move(running));
    }
    net::http_response response;
    response.status = found->result->status;
    response.content_type = std::move(found->result->content_type);
    response.body = std::move(found->result->body);
    response.headers = std::move(found->result->headers);
    exchange.respond(std::move(response));
}

void forwarding_service::stop() {
    for (auto& one : workers_) {
        std::promise<void> empty;
        one->home.post([&] {
            one->tasks.cancel();
            one->tasks.when_empty([&] { empty.set_value(); });
        });
        empty.get_future().wait();
    }
}

} // namespace stadion::dispatcher
