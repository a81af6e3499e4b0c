#include "net/wire_session.hpp"

#include <google/protobuf/message_lite.h>

#include <cassert>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t small_enough_to_copy = 16 * 1024;
constexpr auto finish_within = 10s; // after the final GOAWAY

std::uint64_t microseconds_between(deadline_wheel::clock::time_point from,
                                   deadline_wheel::clock::time_point to) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

v1::Error to_message(const wire::error& failure) {
    v1::Error message;
    message.set_message(failure.message);
    message.set_origin(failure.origin);
    message.set_retry_after_ms(static_cast<std::uint32_t>(failure.retry_after.count()));
    message.set_outcome_unknown(failure.outcome_unknown);
    for (const auto& [key, value] : failure.details) (*message.mutable_details())[key] = value;
    return message;
}

wire::frame_header reply_header(wire::status code, std::uint64_t id, std::uint64_t microseconds) {
    return {wire::frame_kind::reply, 0, static_cast<std::uint16_t>(code), id,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(microseconds, 0xffffffff))};
}

void append_reply(std::string& out, std::uint64_t id, std::uint64_t microseconds, std::string_view body,
                  std::string_view tail) {
    char header[wire::frame_header_size];
    wire::write_header(header, reply_header(wire::status::ok, id, microseconds), body.size() + tail.size());
    out.append(header, sizeof header).append(body).append(tail);
}

} // namespace

// Answered before its handler returns: writes straight into the connection's output.
class wire_session::immediate_call final : public call {
public:
    using reply_sink::reply;

    immediate_call(wire_session& owner, const wire::frame& frame, const wire::method& method,
                   clock::time_point since)
        : call(owner.link_, method, frame.body, frame.metadata, owner.roles_,
               std::chrono::milliseconds(frame.header.budget)),
          owner_(owner),
          id_(frame.header.id),
          since_(since) {}

    void reply(std::string_view body, std::string_view tail) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(wire::status::ok);
        append_reply(link_.output(), id_, microseconds, body, tail);
    }

    void reply(const google::protobuf::MessageLite& message) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(wire::status::ok);
        const auto size = message.ByteSizeLong();
        auto& out = link_.output();
        const auto start = out.size();
        out.resize(start + wire::frame_header_size + size);
        wire::write_header(out.data() + start, reply_header(wire::status::ok, id_, microseconds), size);
        message.SerializeWithCachedSizesToArray(
            reinterpret_cast<std::uint8_t*>(out.data() + start + wire::frame_header_size));
    }

    void fail(const wire::error& failure) override {
        if (std::exchange(answered_, true)) return;
        const auto microseconds = finish(failure.code);
        wire::append_frame(link_.output(), reply_header(failure.code, id_, microseconds),
                           to_message(failure).SerializeAsString());
    }

    std::shared_ptr<pending_call> defer() override;

    clock::time_point now() const noexcept { return now_; }

private:
    std::uint64_t finish(wire::status code) {
        now_ = clock::now();
        const auto microseconds = microseconds_between(since_, now_);
        owner_.count(code, microseconds);
        return microseconds;
    }

    wire_session& owner_;
    std::uint64_t id_;
    clock::time_point since_;
    clock::time_point now_{since_};
};

// Answered later. The session knows it by a weak pointer, the handler owns it.
class wire_session::deferred_call final : public pending_call {
public:
    using pending_call::reply;

    deferred_call(wire_session& owner, std::shared_ptr<connection> link, std::uint64_t id,
                  v1::Metadata metadata, clock::time_point since, clock::time_point deadline_at)
        : pending_call(link->home(), std::move(metadata), deadline_at),
          owner_(&owner),
          link_(std::move(link)),
          id_(id),
          since_(since) {}

    ~deferred_call() override {
        if (open_)
            fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
    }

    void arm(std::chrono::milliseconds budget) { home_.arm(expiry_, budget); }

    void reply(std::string_view body, std::string_view tail) override {
        if (!end()) return;
        const auto microseconds = microseconds_between(since_, clock::now());
        owner_->count(wire::status::ok, microseconds);
        if (body.size() >= small_enough_to_copy) {
            char header[wire::frame_header_size];
            wire::write_header(header, reply_header(wire::status::ok, id_, microseconds),
                               body.size() + tail.size());
            link_->output().append(header, sizeof header);
            link_->output_shared(std::make_shared<const std::string>(body));
            link_->output().append(tail);
        } else {
            append_reply(link_->output(), id_, microseconds, body, tail);
        }
        finished();
    }

    void fail(const wire::error& failure) override {
        if (!end()) return;
        owner_->send_error(id_, failure, since_);
        finished();
    }

    void event(std::string_view body) override {
        if (!open_) return;
        char header[wire::frame_header_size];
        wire::write_header(header, {wire::frame_kind::event, 0, 0, id_, 0}, body.size());
        link_->output().append(header, sizeof header).append(body);
        owner_->metrics().events_sent.add();
        link_->flush_soon();
    }

    bool is_congested() const noexcept override { return link_->is_congested(); }

    // The caller, or time, has ended it.
    void end_with(wire::status code, const std::string& message) {
        if (!open_) return;
        const auto keep = on_abandoned;
        fail(wire::make_error(code, message));
        if (keep) keep();
    }

    // The connection is gone.
    void disconnect() {
        owner_ = nullptr;
        expiry_.disarm();
        abandon();
    }

private:
    bool end() {
        if (!open_) return false;
        open_ = false;
        expiry_.disarm();
        on_abandoned = nullptr;
        return true;
    }
    void finished() {
        link_->flush_soon();
        owner_->finish(id_);
    }

    struct expiry : deadline {
        deferred_call* owner;
        explicit expiry(deferred_call* of)
            : deadline([](deadline& entry) {
                  static_cast<expiry&>(entry).owner->end_with(wire::status::deadline_exceeded,
                                                              "the request's budget is spent");
              }),
              owner(of) {}
    };

    wire_session* owner_;
    std::shared_ptr<connection> link_;
    std::uint64_t id_;
    clock::time_point since_;
    expiry expiry_{this};
};

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
    auto pending = std::make_shared<deferred_call>(owner_, link_.shared_from_this(), id_, metadata(), since_,
                                                   since_ + budget_);
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
    while (!bytes.empty() && !ending_) {
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
    return size;
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
    auto granted = server_.access.authenticate(hello.token());
    if (!granted) {
        violation(granted.error().code, granted.error().message);
        return false;
    }
    roles_ = *granted;
    greeted_ = true;
    link_.home().arm(silence_, server_.limits.ping_after);

    v1::Welcome welcome;
    welcome.set_version(wire::version_supported);
    welcome.set_software(server_.software);
    welcome.set_node(server_.node());
    welcome.set_max_frame(static_cast<std::uint32_t>(server_.limits.frame_size_max));
    welcome.set_max_in_flight(server_.limits.in_flight_max);
    welcome.set_epoch(server_.epoch.load());
    wire::append_frame(link_.output(), {wire::frame_kind::welcome, 0, 0, 0, 0}, welcome.SerializeAsString());
    if (server_.draining) drain();
    return true;
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
        auto failure = wire::make_error(wire::status::resource_exhausted,
                                        "the server's connections hold too many unsent bytes");
        failure.retry_after = 100ms;
        return send_error(header.id, failure, now);
    }

    immediate_call one(*this, frame, *route->method, now);
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
                       to_message(failure).SerializeAsString());
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
