#include "net/rpc/link.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/tcp/address.hpp"
#include "wire/error_message.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto said_after = 900ms; // that an attempt takes long

// What the peer says of itself when it does not say which server has failed.
wire::error error_from(wire::status code, const v1::Error& message, const std::string& node) {
    auto failure = wire::to_error(code, message);
    if (failure.origin.empty()) failure.origin = node;
    return failure;
}

} // namespace

// The caller's side of the wire protocol on the current connection.
class link::protocol final : public connection::protocol {
public:
    explicit protocol(std::shared_ptr<link> owner) : owner_(std::move(owner)) {}

    std::size_t on_bytes(std::string_view bytes) override {
        const auto size = bytes.size();
        wire::frame frame;
        while (!bytes.empty()) {
            const auto result = wire::decode(bytes, frame, owner_->options_.frame_size_max);
            if (result.status == wire::decode_status::incomplete) return size - bytes.size();
            if (result.status == wire::decode_status::violation) {
                owner_->last_failure_ = result.message;
                owner_->connection_->close();
                return size;
            }
            bytes.remove_prefix(result.size);
            if (result.status == wire::decode_status::complete && !owner_->on_frame(frame)) return size;
        }
        return size;
    }

    void on_closed() override { owner_->on_lost(); }

private:
    std::shared_ptr<link> owner_;
};

link::link(worker& home, link_options options)
    : home_(home),
      options_(std::move(options)),
      waiting_(options_.waiting_max, options_.waiting_bytes_max),
      retry_(home.context()) {}

link::~link() = default;

// --- calls ---

std::uint64_t link::call(std::uint16_t method, std::string_view body, const call_options& options,
                         reply_handler on_reply) {
    return start(method, body, options, nullptr, std::move(on_reply));
}

std::uint64_t link::stream(std::uint16_t method, std::string_view body, const call_options& options,
                           event_handler on_event, reply_handler on_end) {
    return start(method, body, options, std::move(on_event), std::move(on_end));
}

std::uint64_t link::start(std::uint16_t method, std::string_view body, const call_options& options,
                          event_handler on_event, reply_handler on_reply) {
    const auto id = options.id != 0 ? options.id : next_id_;
    continue_from(id + 1);
    if (pending_.size() >= options_.in_flight_max) {
        auto failure =
            wire::make_error(wire::status::resource_exhausted,
                             std::to_string(pending_.size()) + " calls to " + address_ + " are in flight");
        failure.retry_after = 10ms;
        fail_later(std::move(on_reply), std::move(failure));
        return id;
    }
    if (state_ == state::closed || (!options.wait_for_connection && state_ != state::ready)) {
        fail_later(std::move(on_reply), not_connected());
        return id;
    }
    auto metadata = encode_metadata(options);
    if (auto checked = check_request_size(metadata, body, frame_size_taken(), address_); !checked) {
        fail_later(std::move(on_reply), std::move(checked).error());
        return id;
    }
    if (state_ != state::ready && !waiting_.has_room(metadata.size() + body.size())) {
        auto failure = not_connected();
        failure.message += "; " + waiting_.text() + " wait for it already";
        fail_later(std::move(on_reply), std::move(failure));
        return id;
    }
    const bool is_stream = on_event != nullptr;
    auto& entry = pending_.try_emplace(id, this, id).first->second;
    entry.on_reply = std::move(on_reply);
    entry.on_event = std::move(on_event);
    if (!is_stream) home_.arm(entry.expires, options.budget);
    if (state_ == state::ready) {
        entry.sent = true;
        send(id, method, metadata, body, options.budget);
    } else {
        entry.place =
            waiting_.add({id, method, std::move(metadata), std::string(body), clock::now() + options.budget});
    }
    return id;
}

void link::send(std::uint64_t id, std::uint16_t method, std::string_view metadata, std::string_view body,
                std::chrono::milliseconds budget) {
    const wire::frame_header header{
        wire::frame_kind::request, 0, method, id,
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(budget.count(), 1, 0xffffffff))};
    auto& out = connection_->output();
    if (metadata.empty())
        wire::append_frame(out, header, body);
    else
        wire::append_frame(out, header, metadata, body);
    connection_->flush_soon();
}

void link::cancel(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    if (found->second.sent && connection_ && connection_->is_open()) {
        wire::append_frame(connection_->output(), {wire::frame_kind::cancel, 0, 0, id, 0}, {});
        connection_->flush_soon();
    }
    finish(id, wire::make_error(wire::status::cancelled, "cancelled"));
}

void link::finish(std::uint64_t id, wire::result<reply> outcome) {
    auto node = pending_.extract(id);
    if (node.empty()) return;
    node.mapped().expires.disarm();
    if (!node.mapped().sent) waiting_.remove(node.mapped().place);
    if (node.mapped().on_reply) node.mapped().on_reply(std::move(outcome));
}

void link::on_expired(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    auto failure = found->second.sent ? wire::make_error(wire::status::deadline_exceeded,
                                                         "no answer from " + address_ + " in time")
                                      : not_connected();
    failure.outcome_unknown = found->second.sent;
    finish(id, std::move(failure));
}

void link::fail_later(reply_handler on_reply, wire::error failure) {
    home_.post([on_reply = std::move(on_reply), failure = std::move(failure)] { on_reply(failure); });
}

wire::error link::not_connected() const {
    auto failure = wire::make_error(wire::status::unavailable,
                                    "no connection to " + (address_.empty() ? "a server" : address_) + ": " +
                                        last_failure_);
    failure.retry_after = options_.reconnect_max;
    return failure;
}

// --- the connection ---

void link::connect(std::vector<std::string> addresses) {
    addresses_ = std::move(addresses);
    next_address_ = 0;
    if (state_ == state::closed || addresses_.empty()) return;
    const bool stays = std::find(addresses_.begin(), addresses_.end(), address_) != addresses_.end();
    if (connection_ && !stays) return connection_->close(); // on_lost goes on with the new list
    if (state_ == state::idle) {
        failures_ = 0;
        retry_.cancel();
        attempt();
    }
}

void link::close() {
    if (state_ == state::closed) return;
    set_state(state::closed);
    ++round_;
    retry_.cancel();
    upkeep_.disarm();
    if (auto gone = std::exchange(connection_, nullptr)) gone->close_when_sent();
    while (!pending_.empty())
        finish(pending_.begin()->first, wire::make_error(wire::status::cancelled, "the link was closed"));
}

void link::set_state(state next) {
    patience_.disarm();
    const bool was_ready = state_ == state::ready;
    state_ = next;
    if (on_state && was_ready != (next == state::ready)) on_state(next == state::ready);
}

void link::attempt() {
    if (addresses_.empty() || state_ == state::closed) return;
    state_ = state::connecting;
    address_ = addresses_[next_address_ % addresses_.size()];
    ++round_;
    home_.arm(upkeep_, options_.connect_within);
    if (on_failure) home_.arm(patience_, said_after);
    asio::co_spawn(home_.context(), dial(address_, round_),
                   [self = shared_from_this()](std::exception_ptr failure) {
                       if (failure) std::rethrow_exception(failure);
                   });
}

awaitable<void> link::dial(std::string address, std::uint64_t round) {
    auto self = shared_from_this();
    error_code failure;
    tcp::socket socket(home_.context());
    auto parsed = split_address(address);
    if (!parsed) {
        on_failed(parsed.error().message);
        co_return;
    }
    tcp::resolver resolver(home_.context());
    auto found = co_await resolver.async_resolve(parsed->host, std::to_string(parsed->port),
                                                 asio::redirect_error(use_awaitable, failure));
    if (!failure) co_await asio::async_connect(socket, found, asio::redirect_error(use_awaitable, failure));
    if (round != round_ || state_ != state::connecting) co_return; // given up in the meantime
    if (failure)
        on_failed(failure.message());
    else
        on_connected(std::move(socket));
}

void link::on_connected(tcp::socket socket) {
    state_ = state::greeting;
    connection_ = make_owned_by<connection>(home_, home_, std::move(socket), connection::side::connected,
                                            connection_limits{64 << 20, std::chrono::milliseconds{10'000}});
    connection_->start(std::make_unique<protocol>(shared_from_this()));
    greeting_.begin(connection_->output(), options_);
    connection_->flush_soon();
}

void link::on_failed(const std::string& why) {
    last_failure_ = why;
    patience_.disarm();
    tell_failure(why);
    ++next_address_;
    ++failures_;
    upkeep_.disarm();
    set_state(state::idle);
    retry_later();
}

// The first round through all addresses goes without a pause; then exponential back-off with full jitter
// (Brooker, "Exponential Backoff And Jitter", 2015), so that a thousand clients do not come back as one.
void link::retry_later() {
    if (state_ == state::closed) return;
    if (failures_ < addresses_.size()) return attempt();
    const auto doublings = std::min<std::uint32_t>(failures_, 10);
    const auto ceiling = std::min(options_.reconnect_first * (1 << doublings), options_.reconnect_max);
    std::uniform_int_distribution<std::int64_t> spread(options_.reconnect_first.count() / 2, ceiling.count());
    retry_.expires_after(std::chrono::milliseconds(spread(random_)));
    retry_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled && self->state_ == state::idle) self->attempt();
    });
}

void link::on_lost() {
    upkeep_.disarm();
    connection_.reset();
    if (state_ == state::closed) return;
    const bool was_refused = state_ == state::greeting;
    if (state_ == state::ready) last_failure_ = "the connection was lost";
    if (was_refused) {
        tell_failure(last_failure_);
        ++failures_;
        ++next_address_;
    }
    set_state(state::idle);
    std::vector<std::uint64_t> lost;
    for (const auto& [id, entry] : pending_)
        if (entry.sent) lost.push_back(id);
    auto failure = not_connected();
    failure.outcome_unknown = true;
    for (const auto id : lost) finish(id, failure);
    if (state_ == state::idle) retry_later();
}

void link::send_waiting() {
    const auto now = clock::now();
    std::vector<std::pair<std::uint64_t, wire::error>> refused;
    for (auto& [place, one] : waiting_.take_all()) {
        pending_.at(one.id).sent = true;
        if (auto checked = check_request_size(one.metadata, one.body, frame_size_taken(), address_);
            !checked) {
            refused.emplace_back(one.id, std::move(checked).error());
            continue;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(one.deadline_at - now);
        send(one.id, one.method, one.metadata, one.body, left);
    }
    for (auto& [id, failure] : refused) finish(id, std::move(failure));
}

bool link::on_frame(const wire::frame& frame) {
    pinged_ = false;
    switch (frame.header.kind) {
    case wire::frame_kind::welcome:
        return state_ != state::greeting || on_welcome(frame);
    case wire::frame_kind::reply: {
        if (frame.header.code == 0) {
            finish(frame.header.id, reply{frame.body, frame.header.budget});
        } else {
            v1::Error error;
            error.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
            finish(frame.header.id,
                   error_from(static_cast<wire::status>(frame.header.code), error, welcome_.node()));
        }
        return state_ != state::closed;
    }
    case wire::frame_kind::event:
        if (const auto found = pending_.find(frame.header.id);
            found != pending_.end() && found->second.on_event) {
            // Called from a copy: the handler may cancel the stream.
            const auto handler = found->second.on_event;
            handler(frame.body);
        }
        return state_ != state::closed;
    case wire::frame_kind::ping:
        wire::append_frame(connection_->output(), {wire::frame_kind::pong, 0, 0, frame.header.id, 0},
                           frame.body);
        connection_->flush_soon();
        return true;
    case wire::frame_kind::goaway:
        on_goaway(frame);
        return true;
    default:
        return true;
    }
}

bool link::on_welcome(const wire::frame& frame) {
    welcome_.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    if (!greeting_.finish(connection_->output(), options_, welcome_)) {
        last_failure_ = "it has not proved that it holds the server token, and was not shown it";
        connection_->close();
        return false;
    }
    connection_->flush_soon();
    failures_ = 0;
    home_.arm(upkeep_, options_.ping_after);
    set_state(state::ready);
    if (state_ == state::ready) send_waiting();
    return state_ == state::ready;
}

void link::on_goaway(const wire::frame& frame) {
    v1::Error error;
    error.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size()));
    last_failure_ = error.message();
    if (frame.header.id == wire::id_max) return; // a warning: the final one follows
    // New calls wait for the next connection; those the server never ran are safe to send there.
    if (state_ == state::ready) set_state(state::leaving);
    std::vector<std::uint64_t> not_run;
    for (const auto& [id, entry] : pending_)
        if (entry.sent && id > frame.header.id) not_run.push_back(id);
    auto failure = error_from(wire::status::unavailable, error, welcome_.node());
    for (const auto id : not_run) finish(id, failure);
    ++next_address_;
}

void link::on_upkeep() {
    if (state_ == state::connecting || state_ == state::greeting) {
        if (connection_) {
            last_failure_ = "the server did not greet in time";
            return connection_->close();
        }
        ++round_;
        return on_failed("the server did not answer in time");
    }
    if (!connection_) return;
    const auto silent = clock::now() - connection_->last_read();
    if (silent >= options_.close_after) {
        connection_->close();
        return;
    }
    if (silent >= options_.ping_after && !std::exchange(pinged_, true)) {
        wire::append_frame(connection_->output(), {wire::frame_kind::ping, 0, 0, 0, 0}, {});
        connection_->flush_soon();
    }
    home_.arm(upkeep_,
              silent >= options_.ping_after ? options_.close_after - silent : options_.ping_after - silent);
}

} // namespace stadion::net
