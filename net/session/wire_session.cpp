#include "net/session/wire_session.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/rpc/server_proof.hpp"
#include "net/rpc/stale_epoch.hpp"
#include "net/session/wire_calls.hpp"

namespace stadion::net {

using namespace std::chrono_literals;
using step = wire::server_protocol::step;
using ending = wire::server_protocol::ending;

std::shared_ptr<pending_call> wire_session::immediate_call::defer() {
    const auto refuse = [this](const wire::error& failure) {
        fail(failure);
        return nullptr;
    };
    if (link_.held() + body_.size() > owner_.server_.limits.in_flight_bytes_max) {
        auto failure = wire::make_error(wire::status::resource_exhausted,
                                        "the requests in flight on this connection hold " +
                                            std::to_string(link_.held()) + " bytes, and more are not taken");
        failure.retry_after = 10ms;
        return refuse(failure);
    }
    if (auto opened = owner_.protocol_.open(id_); !opened) return refuse(opened.error());
    answered_ = true; // by the deferred call from here on
    auto pending = make_owned_by<deferred_call>(link_.home(), owner_, link_.shared_from_this(), id_,
                                                metadata(), since_, since_ + budget_, body_.size());
    // A stream lives until it is cancelled; its budget only bounds how long the start may take.
    if (!method_.streaming) pending->arm(budget_);
    owner_.pending_.emplace(id_, pending);
    return pending;
}

wire_session::wire_session(connection& link, server_context& server)
    : link_(link), server_(server), protocol_(server.limits, clock::now()) {
    arm(clock::now());
}

wire_session::~wire_session() = default;

void wire_session::on_closed() {
    deadline_.disarm();
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
    incoming what;
    std::string out; // the connection's own output is touched only where there is something to send
    bool goes_on = true;
    while (goes_on && !bytes.empty() && !link_.must_wait(now)) {
        const auto next = protocol_.receive(bytes, what, out, now);
        if (!out.empty()) link_.output().append(std::exchange(out, {}));
        goes_on = perform(next, what, now);
    }
    return protocol_.is_ending() ? size : size - bytes.size();
}

// False when there is nothing more to take.
bool wire_session::perform(step next, incoming& what, clock::time_point& now) {
    switch (next) {
    case step::incomplete:
        return false;
    case step::nothing:
        return true;
    case step::greet:
        greet(*what.hello, now);
        return !protocol_.is_ending();
    case step::take_token:
        return take_token(what.hello->token(), now);
    case step::run:
        on_request(what.frame, now);
        return true;
    case step::refuse:
        metrics().requests[what.frame.header.code % server_metrics::methods_max].add();
        send_error(what.frame.header.id, *what.refusal, now);
        return true;
    case step::cancel:
        cancel(what.frame.header.id);
        return true;
    case step::ended:
        if (protocol_.is_draining()) end_streams();
        arm(now);
        obey(protocol_.when_ended());
        return false;
    }
    return false;
}

void wire_session::greet(const v1::Hello& hello, clock::time_point now) {
    if (!take_token(hello.token(), now)) return;
    v1::Welcome welcome;
    welcome.set_software(server_.software);
    welcome.set_node(server_.node());
    welcome.set_epoch(server_.epoch.load());
    if (const auto own = server_.access.own_token(role::server); !own.empty() && !hello.nonce().empty())
        welcome.set_proof(proof_of(own, hello.nonce()));
    protocol_.welcome(std::move(welcome), link_.output(), now);
    arm(now);
    if (server_.draining) drain();
}

bool wire_session::take_token(const std::string& token, clock::time_point now) {
    auto granted = server_.access.authenticate(token);
    if (granted) {
        roles_ = *granted;
        return true;
    }
    protocol_.end(granted.error().code, granted.error().message, link_.output(), now);
    arm(now);
    obey(protocol_.when_ended());
    return false;
}

// What a request must pass before its handler sees it.
wire::result<const rpc_router::route*> wire_session::admit(const wire::frame& frame) const {
    const auto* route = server_.rpc.find(frame.header.code);
    if (route == nullptr) return rpc_router::not_offered(frame.header.code, server_.kind);
    if (route->need != anyone)
        if (auto allowed = access_policy::check(roles_, route->need, route->method->full_name()); !allowed)
            return allowed.error();
    if (server_.is_overloaded()) return server_context::overloaded();
    return route;
}

void wire_session::on_request(const wire::frame& frame, clock::time_point& now) {
    metrics().requests[frame.header.code % server_metrics::methods_max].add();
    const auto admitted = admit(frame);
    if (!admitted) return send_error(frame.header.id, admitted.error(), now);
    const auto& route = **admitted;

    if (watch_) watch_->saw(frame.header.id);
    immediate_call one(*this, frame, *route.method, now);
    const auto known = server_.epoch.load(std::memory_order_relaxed);
    if (!one.read_metadata())
        one.fail(wire::make_error(wire::status::invalid_argument, "the metadata in front of " +
                                                                      route.method->full_name() +
                                                                      "'s body cannot be read"));
    else if (!frame.metadata.empty() && one.metadata().epoch() != 0 && one.metadata().epoch() < known)
        one.fail(stale_epoch(known));
    else
        route.run(one);
    if (!one.is_answered())
        one.fail(
            wire::make_error(wire::status::internal,
                             route.method->full_name() + " gave no answer; this is a bug in the server"));
    now = std::max(now, one.now());
}

void wire_session::cancel(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    if (auto pending = found->second.lock())
        pending->end_with(wire::status::cancelled, "cancelled by the caller");
}

void wire_session::send_error(std::uint64_t id, const wire::error& failure, clock::time_point since) {
    const auto microseconds = microseconds_between(since, clock::now());
    count(failure.code, microseconds);
    wire::append_frame(link_.output(), wire::reply_header(failure.code, id, microseconds),
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
    obey(protocol_.close(id));
}

// --- silence and endings ---

void wire_session::on_deadline() {
    const auto now = clock::now();
    std::string out;
    const auto then = protocol_.on_deadline(now, link_.last_read(), out);
    if (!out.empty()) {
        link_.output().append(out);
        link_.flush_soon();
    }
    if (then != ending::close) arm(now);
    obey(then);
}

void wire_session::arm(clock::time_point now) { link_.home().arm(deadline_, protocol_.deadline() - now); }

void wire_session::obey(ending what) {
    if (what == ending::close) link_.close();
    if (what == ending::close_when_sent) link_.close_when_sent();
}

void wire_session::drain() {
    obey(protocol_.drain(link_.output()));
    link_.flush_soon();
}

void wire_session::end_streams() {
    std::vector<std::shared_ptr<deferred_call>> streams;
    for (auto& [id, weak] : pending_)
        if (auto pending = weak.lock(); pending && pending->on_drained) streams.push_back(std::move(pending));
    for (auto& stream : streams)
        stream->end_with(wire::status::unavailable, "the server is stopping; resume elsewhere");
}

} // namespace stadion::net
