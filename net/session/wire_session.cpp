#include "net/session/wire_session.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/rpc/server_proof.hpp"
#include "net/rpc/stale_epoch.hpp"
#include "net/session/wire_calls.hpp"

#include <cassert>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto finish_within = 10s; // after the final GOAWAY

// What a frame may carry to a caller that takes frames of so many bytes; errors always fit.
std::size_t payload_max_for(std::uint32_t frame_bytes) {
    return std::clamp<std::size_t>(frame_bytes, wire::frame_size_min_for_callers, wire::frame_size_max) -
           wire::frame_header_size;
}

} // namespace

std::shared_ptr<pending_call> wire_session::immediate_call::defer() {
    answered_ = true; // by the deferred call from here on
    if (owner_.pending_.size() >= owner_.server_.limits.in_flight_max) {
        answered_ = false;
        auto failure = wire::make_error(wire::status::resource_exhausted,
                                        std::to_string(owner_.pending_.size()) +
                                            " requests are in flight on this connection, which is the limit");
        failure.retry_after = 10ms;
        fail(failure);
        return nullptr;
    }
    if (link_.held() + body_.size() > owner_.server_.limits.in_flight_bytes_max) {
        answered_ = false;
        auto failure = wire::make_error(wire::status::resource_exhausted,
                                        "the requests in flight on this connection hold " +
                                            std::to_string(link_.held()) + " bytes, and more are not taken");
        failure.retry_after = 10ms;
        fail(failure);
        return nullptr;
    }
    auto pending = make_owned_by<deferred_call>(link_.home(), owner_, link_.shared_from_this(), id_,
                                                metadata(), since_, since_ + budget_, body_.size());
    // A stream lives until it is cancelled; its budget only bounds how long the start may take.
    if (!method_.streaming) pending->arm(budget_);
    owner_.pending_.emplace(id_, pending);
    return pending;
}

wire_session::wire_session(connection& link, server_context& server)
    : link_(link), server_(server), started_(clock::now()) {
    link_.home().arm(silence_, server_.limits.hello_within);
}

wire_session::~wire_session() = default;

void wire_session::on_closed() {
    silence_.disarm();
    for (auto& [id, weak] : std::exchange(pending_, {}))
        if (auto pending = weak.lock()) pending->disconnect();
}

void wire_session::on_drained() {
    // A callback may end its call, so look at a copy.
    std::vector<std::shared_ptr<deferred_call>> waiting;
    for (auto& [id, weak] : pending_)
        if (auto pending = weak.lock(); pending && pending->on_drained) waiting.push_back(std::move(pending));
    for (auto& pending : waiting) pending->on_drained();
}

std::size_t wire_session::on_bytes(std::string_view bytes) {
    const auto size = bytes.size();
    auto now = clock::now();
    wire::frame frame;
    pinged_ = false;
    while (!bytes.empty() && !ending_ && !link_.must_wait(now)) {
        const auto limit = greeted_ ? server_.limits.frame_size_max : server_.limits.hello_bytes_max;
        auto result = wire::decode(bytes, frame, limit);
        if (result.status == wire::decode_status::incomplete) return size - bytes.size();
        if (result.status == wire::decode_status::violation) {
            violation(result.code, std::move(result.message));
            return size;
        }
        bytes.remove_prefix(result.size);
        if (result.status == wire::decode_status::complete && !on_frame(frame, now)) return size;
    }
    return ending_ ? size : size - bytes.size();
}

bool wire_session::on_frame(const wire::frame& frame, clock::time_point& now) {
    if (!greeted_) return on_hello(frame);
    switch (frame.header.kind) {
    case wire::frame_kind::request:
        on_request(frame, now);
        return true;
    case wire::frame_kind::cancel:
        on_cancel(frame.header.id);
        return true;
    case wire::frame_kind::hello:
        return on_second_hello(frame);
    case wire::frame_kind::ping:
        wire::append_frame(link_.output(), {wire::frame_kind::pong, 0, 0, frame.header.id, 0},
                           frame.body.substr(0, wire::ping_payload_max));
        return true;
    case wire::frame_kind::pong:
        on_pong();
        return true;
    default:
        violation(wire::status::invalid_argument, "a caller does not send frames of kind " +
                                                      std::to_string(static_cast<int>(frame.header.kind)));
        return false;
    }
}

bool wire_session::on_hello(const wire::frame& frame) {
    v1::Hello hello;
    if (frame.header.kind != wire::frame_kind::hello ||
        !hello.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
        violation(wire::status::invalid_argument, "the first frame of a caller is HELLO");
        return false;
    }
    if (hello.version_min() > wire::version_supported || hello.version_max() < wire::version_supported) {
        violation(wire::status::failed_precondition, "versions " + std::to_string(hello.version_min()) +
                                                         " to " + std::to_string(hello.version_max()) +
                                                         " are not spoken here, only 1 to 1");
        return false;
    }
    if (!hello.nonce().empty() && hello.nonce().size() != nonce_bytes) {
        violation(wire::status::invalid_argument,
                  "a nonce has 16 bytes, not " + std::to_string(hello.nonce().size()));
        return false;
    }
    if (!take_token(hello.token())) return false;
    greeted_ = true;
    if (hello.max_frame() != 0) payload_max_ = payload_max_for(hello.max_frame());
    awaits_token_ = !hello.nonce().empty() && hello.token().empty();
    link_.home().arm(silence_, server_.limits.ping_after);

    v1::Welcome welcome;
    welcome.set_version(wire::version_supported);
    welcome.set_software(server_.software);
    welcome.set_node(server_.node());
    welcome.set_max_frame(static_cast<std::uint32_t>(server_.limits.frame_size_max));
    welcome.set_max_in_flight(server_.limits.in_flight_max);
    welcome.set_epoch(server_.epoch.load());
    if (const auto own = server_.access.own_token(role::server); !own.empty() && !hello.nonce().empty())
        welcome.set_proof(proof_of(own, hello.nonce()));
    wire::append_frame(link_.output(), {wire::frame_kind::welcome, 0, 0, 0, 0}, welcome.SerializeAsString());
    if (server_.draining) drain();
    return true;
}

bool wire_session::take_token(const std::string& token) {
    auto granted = server_.access.authenticate(token);
    if (!granted) {
        violation(granted.error().code, granted.error().message);
        return false;
    }
    roles_ = *granted;
    return true;
}

bool wire_session::on_second_hello(const wire::frame& frame) {
    v1::Hello hello;
    if (!std::exchange(awaits_token_, false) ||
        !hello.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()))) {
        violation(wire::status::invalid_argument,
                  "a second HELLO only shows the token of a caller whose first one had a nonce and no token");
        return false;
    }
    return take_token(hello.token());
}

void wire_session::on_request(const wire::frame& frame, clock::time_point& now) {
    const auto& header = frame.header;
    last_accepted_ = std::max(last_accepted_, header.id);
    metrics().requests[header.code % server_metrics::methods_max].add();

    const auto refuse = [&](wire::status code, std::string message) {
        send_error(header.id, wire::make_error(code, std::move(message)), now);
    };
    if (header.id == 0) return refuse(wire::status::invalid_argument, "a request's id is never 0");
    const auto* route = server_.rpc.find(header.code);
    if (route == nullptr)
        return send_error(header.id, rpc_router::not_offered(header.code, server_.kind), now);
    if (header.budget == 0)
        return refuse(wire::status::deadline_exceeded,
                      "the request's budget is spent (it was sent with 0 ms)");
    if (!pending_.empty() && pending_.contains(header.id))
        return refuse(wire::status::invalid_argument,
                      "a request with id " + std::to_string(header.id) + " is still open");
    if (route->need != anyone)
        if (auto allowed = access_policy::check(roles_, route->need, route->method->full_name()); !allowed)
            return send_error(header.id, allowed.error(), now);
    if (server_.is_overloaded()) {
        return send_error(header.id, server_context::overloaded(), now);
    }

    if (watch_) watch_->saw(header.id);
    immediate_call one(*this, frame, *route->method, now);
    const auto known = server_.epoch.load(std::memory_order_relaxed);
    if (!one.read_metadata())
        one.fail(wire::make_error(wire::status::invalid_argument, "the metadata in front of " +
                                                                      route->method->full_name() +
                                                                      "'s body cannot be read"));
    else if (!frame.metadata.empty() && one.metadata().epoch() != 0 && one.metadata().epoch() < known)
        one.fail(stale_epoch(known));
    else
        route->run(one);
    if (!one.is_answered())
        one.fail(
            wire::make_error(wire::status::internal,
                             route->method->full_name() + " gave no answer; this is a bug in the server"));
    now = std::max(now, one.now());
}

void wire_session::on_cancel(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return; // answered already: the reply is on its way
    if (auto pending = found->second.lock())
        pending->end_with(wire::status::cancelled, "cancelled by the caller");
}

void wire_session::send_error(std::uint64_t id, const wire::error& failure, clock::time_point since) {
    const auto microseconds = microseconds_between(since, clock::now());
    count(failure.code, microseconds);
    wire::append_frame(link_.output(), reply_header(failure.code, id, microseconds),
                       wire::to_message(failure).SerializeAsString());
}

void wire_session::count(wire::status code, std::uint64_t microseconds) {
    auto& slots = metrics();
    slots.answers[static_cast<std::size_t>(code) % slots.answers.size()].add();
    slots.duration[server_metrics::bucket_of(microseconds)].add();
    slots.duration_us_sum.add(microseconds);
}

void wire_session::finish(std::uint64_t id) {
    pending_.erase(id);
    close_if_done();
}

// --- silence and endings ---

void wire_session::on_silence() {
    const auto now = clock::now();
    if (ending_) return link_.close();
    if (!greeted_) return violation(wire::status::deadline_exceeded, "no HELLO arrived in time");
    const auto silent = now - link_.last_read();
    if (silent >= server_.limits.close_after) return link_.close();
    if (silent >= server_.limits.ping_after) {
        if (!std::exchange(pinged_, true)) send_ping();
        return link_.home().arm(silence_, server_.limits.close_after - silent);
    }
    link_.home().arm(silence_, server_.limits.ping_after - silent);
}

void wire_session::send_ping() {
    wire::append_frame(link_.output(), {wire::frame_kind::ping, 0, 0, 0, 0}, {});
    link_.flush_soon();
}

void wire_session::violation(wire::status code, std::string message) {
    send_goaway(last_accepted_, code, message);
    ending_ = true;
    if (pending_.empty()) return link_.close_when_sent();
    link_.home().arm(silence_, finish_within);
}

void wire_session::send_goaway(std::uint64_t id, wire::status code, const std::string& message) {
    v1::Error body;
    body.set_message(message);
    wire::append_frame(link_.output(), {wire::frame_kind::goaway, 0, static_cast<std::uint16_t>(code), id, 0},
                       body.SerializeAsString());
    link_.flush_soon();
}

void wire_session::drain() {
    if (draining_ || ending_) return;
    if (!greeted_) return link_.close_when_sent();
    draining_ = true;
    send_goaway(wire::id_max, wire::status::unavailable, "the server is stopping; go on elsewhere");
    send_ping(); // its PONG proves that every request sent before the GOAWAY was seen has arrived
}

void wire_session::on_pong() {
    if (!draining_ || ending_) return;
    send_goaway(last_accepted_, wire::status::unavailable, "the server is stopping; go on elsewhere");
    ending_ = true;
    std::vector<std::shared_ptr<deferred_call>> streams;
    for (auto& [id, weak] : pending_)
        if (auto pending = weak.lock(); pending && pending->on_drained) streams.push_back(std::move(pending));
    for (auto& stream : streams)
        stream->end_with(wire::status::unavailable, "the server is stopping; resume elsewhere");
    link_.home().arm(silence_, finish_within);
    close_if_done();
}

void wire_session::close_if_done() {
    if (ending_ && pending_.empty()) link_.close_when_sent();
}

} // namespace stadion::net
