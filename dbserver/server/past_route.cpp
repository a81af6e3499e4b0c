#include "dbserver/server/past_route.hpp"

#include "dbserver/server/store_feed.hpp"
#include "dbserver/table/json_text.hpp"
#include "net/board/board_lists.hpp"
#include "wire/board_json.hpp"
#include "wire/number.hpp"
#include "wire/time_text.hpp"

namespace stadion::dbserver {
namespace {

constexpr std::size_t waiting_max = 256;

wire::result<std::uint32_t> number(const net::http_request& request, const char* name,
                                   std::uint32_t otherwise) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return otherwise;
    const auto value = wire::parse_number<std::uint32_t>(*text);
    if (!value)
        return wire::make_error(wire::status::invalid_argument,
                                std::string(name) + " is not a number: " + std::string(*text));
    return *value;
}

void append_change(std::string& out, const change& one) {
    out += "{\"sequence\":";
    append_json_number(out, one.sequence);
    out += ",\"version\":";
    append_json_number(out, one.version);
    out += ",\"at\":";
    append_json_seconds(out, one.at_us);
    out += ",\"operation\":";
    append_json_string(out, one.operation);
    out += ",\"details\":";
    out += one.details.empty() ? std::string("{}") : one.details;
    if (one.reverses != 0) {
        out += ",\"reverses\":";
        append_json_number(out, one.reverses);
        out += ",\"reason\":";
        append_json_string(out, one.reason);
    }
    if (one.reversed_by != 0) {
        out += ",\"reversed_by\":";
        append_json_number(out, one.reversed_by);
    }
    out += ",\"state\":";
    out += one.state ? one.state->json() : std::string("null");
    out += '}';
}

wire::result<std::uint32_t> page_size(const net::http_request& request, std::uint32_t otherwise) {
    auto size = number(request, "page_size", otherwise);
    if (size && ((*size == 0 && otherwise != 0) || *size > net::page_size_max))
        return wire::make_error(wire::status::invalid_argument, "page_size is not from 1 to 1000");
    return size;
}

// `after` of the next page is the last version of this one.
net::http_response history(const store& from, const net::http_request& request, audience who) {
    const auto size = page_size(request, net::page_size_max);
    if (!size) return net::problem(size.error());
    const auto after = number(request, "page_token", 0);
    if (!after) return net::problem(after.error());
    const auto table = std::string(games_prefix) + request.captures[0];
    auto changes = from.history(table, *after, *size + 1, who);
    if (!changes) return net::problem(changes.error());
    std::string token;
    std::string body = "{\"history\":[";
    std::size_t shown = 0;
    for (const auto& one : *changes) {
        if (shown == *size || (shown != 0 && body.size() > net::page_bytes_max)) break;
        if (shown++ != 0) body += ',';
        append_change(body, one);
    }
    if (shown < changes->size()) token = std::to_string((*changes)[shown - 1].version);
    body += "],\"next_page_token\":\"" + token + "\"}\n";
    return net::json_response(std::move(body));
}

net::http_response games_at(const store& from, const net::http_request& request, std::int64_t at_us,
                            audience who) {
    const auto size = page_size(request, net::page_size_default);
    if (!size) return net::problem(size.error());
    std::optional<v1::Score::Status> status;
    if (const auto name = request.parameter("status")) {
        status = wire::parse_status(*name);
        if (!status)
            return net::problem(
                wire::make_error(wire::status::invalid_argument, "no such status: " + std::string(*name)));
    }
    const auto token = request.parameter("page_token").value_or("");
    const auto begin = net::name_of_page_token(token);
    if (!begin) return net::problem(net::not_a_page_token(token));
    auto after = begin->empty() ? std::string() : std::string(games_prefix) + *begin;
    std::vector<state_ptr> games;
    while (games.size() <= *size) {
        const std::size_t wanted = *size + 1 - games.size();
        const auto some = from.scan_at(games_prefix, at_us, {after, wanted}, who);
        if (!some) return net::problem(some.error());
        for (const auto& one : *some)
            if (!status || one->score()->status() == *status) games.push_back(one);
        if (some->size() < wanted) break;
        after = some->back()->table();
    }
    std::string next;
    std::string body = "{\"games\":[";
    std::size_t shown = 0;
    for (const auto& one : games) {
        if (shown == *size || (shown != 0 && body.size() > net::page_bytes_max)) break;
        if (shown++ != 0) body += ',';
        body += one->json();
    }
    if (shown < games.size()) next = net::page_token_of(games[shown - 1]->name());
    body += "],\"next_page_token\":\"" + next + "\"}\n";
    return net::json_response(std::move(body));
}

net::http_response teams_at(const store& from, const net::http_request& request, std::int64_t at_us,
                            audience who) {
    const auto size = page_size(request, 0);
    if (!size) return net::problem(size.error());
    const auto then = from.scan_at(teams_prefix, at_us, page{{}, SIZE_MAX}, who);
    if (!then) return net::problem(then.error());
    net::event_batch states;
    for (const auto& one : *then) states.push_back(state_event(one));
    wire::board board;
    board.replace(0, states);
    const auto teams = net::page_of_teams(board, request.parameter("page_token").value_or(""),
                                          static_cast<std::uint32_t>(*size), net::page_encoding::json);
    return teams ? net::json_response(net::to_json(*teams)) : net::problem(teams.error());
}

} // namespace

past_queries::past_queries(const store& from) : store_(from), thread_([this] { run(); }) {}

past_queries::~past_queries() {
    {
        const std::lock_guard hold(mutex_);
        stopping_ = true;
    }
    work_.notify_one();
    thread_.join();
}

void past_queries::answer(net::http_request&& request, net::board_view view,
                          const std::shared_ptr<net::http_exchange>& exchange) {
    {
        const std::lock_guard hold(mutex_);
        if (waiting_.size() < waiting_max) {
            const auto who = view == net::board_view::live ? audience::scorer : audience::everyone;
            waiting_.push_back({std::move(request), who, exchange});
            return work_.notify_one();
        }
    }
    auto failure = wire::make_error(wire::status::resource_exhausted,
                                    std::to_string(waiting_max) + " questions about the past are waiting");
    failure.retry_after = std::chrono::milliseconds{500};
    exchange->fail(failure);
}

void past_queries::run() {
    for (;;) {
        std::unique_lock hold(mutex_);
        work_.wait(hold, [this] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        auto one = std::move(waiting_.front());
        waiting_.pop_front();
        hold.unlock();
        auto response = answer_to(one);
        auto& home = one.exchange->home();
        home.post([exchange = std::move(one.exchange), response = std::move(response)]() mutable {
            exchange->respond(std::move(response));
        });
    }
}

net::http_response past_queries::answer_to(const question& one) const {
    if (!one.request.captures.empty()) return history(store_, one.request, one.who);
    const auto at_us = wire::parse_time(one.request.parameter("at").value_or(""));
    if (!at_us) return net::problem(at_us.error());
    return one.request.path == "/v1/teams" ? teams_at(store_, one.request, *at_us, one.who)
                                           : games_at(store_, one.request, *at_us, one.who);
}

} // namespace stadion::dbserver
