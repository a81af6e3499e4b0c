#include "dbserver/store_routes.hpp"

#include "dbserver/json_text.hpp"
#include "net/http_message.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace stadion::dbserver {
namespace {

constexpr std::size_t mutations_max = 1000; // in one Commit
constexpr std::uint32_t page_size_max = 1000;

wire::result<std::uint32_t> number(const net::http_request& request, const char* name,
                                   std::uint32_t otherwise) {
    const auto text = request.parameter(name);
    if (!text || text->empty()) return otherwise;
    std::uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (failure != std::errc{} || end != text->data() + text->size())
        return wire::make_error(wire::status::invalid_argument,
                                std::string(name) + " is not a number: " + std::string(*text));
    return value;
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

// `after` of the next page is the last version of this one.
net::http_response history(const store& from, const net::http_request& request) {
    const auto size = number(request, "page_size", page_size_max);
    if (!size) return net::problem(size.error());
    if (*size == 0 || *size > page_size_max)
        return net::problem(
            wire::make_error(wire::status::invalid_argument, "page_size is not from 1 to 1000"));
    const auto after = number(request, "page_token", 0);
    if (!after) return net::problem(after.error());
    const auto table = std::string(games_prefix) + request.captures[0];
    auto changes = from.history(table, *after, *size + 1);
    if (!changes) return net::problem(changes.error());
    std::string token;
    if (changes->size() > *size) {
        changes->pop_back();
        token = std::to_string(changes->back().version);
    }
    std::string body = "{\"history\":[";
    for (const auto& one : *changes) {
        if (body.back() != '[') body += ',';
        append_change(body, one);
    }
    body += "],\"next_page_token\":\"" + token + "\"}\n";
    return net::json_response(std::move(body));
}

void commit(const v1::CommitRequest& request, std::shared_ptr<net::pending_call> pending, store_feed& feed) {
    if (request.mutations_size() == 0 || static_cast<std::size_t>(request.mutations_size()) > mutations_max)
        return pending->fail(
            wire::make_error(wire::status::invalid_argument, "Commit takes 1 to 1000 mutations, not " +
                                                                 std::to_string(request.mutations_size())));
    std::vector<v1::Mutation> mutations(request.mutations().begin(), request.mutations().end());
    feed.commit(pending->home(), std::move(mutations), [pending](std::vector<v1::Outcome> outcomes) {
        v1::CommitResponse response;
        for (auto& one : outcomes) {
            response.set_sequence(std::max(response.sequence(), one.sequence()));
            *response.add_outcomes() = std::move(one);
        }
        pending->reply(response);
    });
}

const char* condition_name(condition state) {
    switch (state) {
    case condition::serving:
        return "serving";
    case condition::disk_full:
        return "disk_full";
    case condition::poisoned:
        return "poisoned";
    case condition::stopped:
        return "stopped";
    }
    return "unknown";
}

void add_health(net::server& to, store& from) {
    to.add_check("store", [&from]() -> wire::result<void> {
        const auto health = from.health();
        if (health.state == condition::serving) return {};
        return wire::make_error(wire::status::unavailable, health.detail);
    });
    to.add_status([&from](nlohmann::ordered_json& status) {
        const auto health = from.health();
        status["sequence"] = health.sequence;
        status["store"] = {{"state", condition_name(health.state)},
                           {"detail", health.detail},
                           {"frozen", health.frozen},
                           {"checkpoint_sequence", health.checkpoint_sequence},
                           {"batches", health.batches},
                           {"mutations", health.mutations},
                           {"pending_mutations", health.pending_mutations},
                           {"tables", health.tables},
                           {"segments", health.segments},
                           {"idempotency_keys", health.idempotency_keys},
                           {"warnings", health.warnings}};
    });
}

} // namespace

void add_store_routes(net::server& to, store& from, store_feed& feed) {
    to.rpc().on_later<v1::CommitRequest>("Database", "Commit", net::role::scorer | net::role::server,
                                         [&feed](const v1::CommitRequest& request, auto pending) {
                                             commit(request, std::move(pending), feed);
                                         });
    to.http().on(net::http_method::get, "/v1/games/{game}/history", net::anyone,
                 [&from](const net::http_request& request) { return history(from, request); });
    add_health(to, from);
}

} // namespace stadion::dbserver
