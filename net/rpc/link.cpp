#include "net/rpc/link.hpp"

#include "net/loop/owned_by_worker.hpp"
#include "net/rpc/server_proof.hpp"
#include "net/tcp/address.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto said_after = 900ms; // that an attempt takes long

} // namespace

// What the current connection brings.
class link::session final : public connection::protocol {
public:
    explicit session(std::shared_ptr<link> owner) : owner_(std::move(owner)) {}

    std::size_t on_bytes(std::string_view bytes) override {
        using step = wire::client_protocol::step;
        const auto size = bytes.size();
        const auto now = owner_->connection_->last_read();
        wire::frame frame;
        std::string out;
        while (!bytes.empty()) {
            const auto next = owner_->protocol_.receive(bytes, frame, out, now);
            if (!out.empty()) owner_->send(std::exchange(out, {}));
            if (next == step::incomplete) break;
            if (!owner_->perform(next, frame)) return size;
        }
        return size - bytes.size();
    }

    void on_closed() override { owner_->on_lost(); }

private:
    std::shared_ptr<link> owner_;
};

link::link(worker& home, link_options options)
    : home_(home),
      options_(std::move(options)),
      reconnection_(options_.reconnect_first, options_.reconnect_max),
      protocol_(options_),
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
                             std::to_string(pending_.size()) + " calls to " + address() + " are in flight");
        failure.retry_after = 10ms;
        fail_later(std::move(on_reply), std::move(failure));
        return id;
    }
    if (state_ == state::closed || (!options.wait_for_connection && state_ != state::ready)) {
        fail_later(std::move(on_reply), not_connected());
        return id;
    }
    auto metadata = encode_metadata(options);
    if (auto checked = protocol_.check_request(metadata, body, address()); !checked) {
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
        protocol_.request(id, method, metadata, body, options.budget, connection_->output());
        connection_->flush_soon();
    } else {
        entry.place =
            waiting_.add({id, method, std::move(metadata), std::string(body), clock::now() + options.budget});
    }
    return id;
}

void link::send(const std::string& bytes) {
    connection_->output().append(bytes);
    connection_->flush_soon();
}

void link::cancel(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    if (found->second.sent && connection_ && connection_->is_open()) {
        protocol_.cancel(id, connection_->output());
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
                                                         "no answer from " + address() + " in time")
                                      : not_connected();
    failure.outcome_unknown = found->second.sent;
    finish(id, std::move(failure));
}

void link::fail_later(reply_handler on_reply, wire::error failure) {
    home_.post([on_reply = std::move(on_reply), failure = std::move(failure)] { on_reply(failure); });
}

wire::error link::not_connected() const {
    auto failure = wire::make_error(wire::status::unavailable,
                                    "no connection to " + (address().empty() ? "a server" : address()) +
                                        ": " + last_failure_);
    failure.retry_after = options_.reconnect_max;
    return failure;
}

// --- the connection ---

void link::connect(std::vector<std::string> addresses) {
    reconnection_.set_addresses(std::move(addresses));
    if (state_ == state::closed || reconnection_.is_empty()) return;
    if (connection_ && !reconnection_.includes_current())
        return connection_->close(); // on_lost goes on with the new list
    if (state_ == state::idle) {
        reconnection_.serves(); // a new list deserves a round without pauses
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
    if (reconnection_.is_empty() || state_ == state::closed) return;
    state_ = state::connecting;
    reconnection_.attempt();
    ++round_;
    home_.arm(upkeep_, options_.connect_within);
    if (on_failure) home_.arm(patience_, said_after);
    asio::co_spawn(home_.context(), dial(address(), round_),
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
    connection_->start(std::make_unique<session>(shared_from_this()));
    wire::challenge asked;
    if (options_.peer_proves_itself && !options_.token.empty()) {
        asked.nonce = make_nonce();
        asked.proof = proof_of(options_.token, asked.nonce);
    }
    protocol_.begin(std::move(asked), connection_->output(), clock::now());
    connection_->flush_soon();
}

void link::on_failed(const std::string& why) {
    last_failure_ = why;
    patience_.disarm();
    tell_failure(why);
    reconnection_.fails();
    upkeep_.disarm();
    set_state(state::idle);
    retry_later();
}

void link::retry_later() {
    if (state_ == state::closed) return;
    const auto pause = reconnection_.pause(random_);
    if (pause.count() == 0) return attempt();
    retry_.expires_after(pause);
    retry_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled && self->state_ == state::idle) self->attempt();
    });
}

void link::on_lost() {
    upkeep_.disarm();
    connection_.reset();
    protocol_.lost();
    if (state_ == state::closed) return;
    const bool was_refused = state_ == state::greeting;
    if (state_ == state::ready) last_failure_ = "the connection was lost";
    if (was_refused) {
        tell_failure(last_failure_);
        reconnection_.fails();
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
        if (auto checked = protocol_.check_request(one.metadata, one.body, address()); !checked) {
            refused.emplace_back(one.id, std::move(checked).error());
            continue;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(one.deadline_at - now);
        protocol_.request(one.id, one.method, one.metadata, one.body, left, connection_->output());
    }
    connection_->flush_soon();
    for (auto& [id, failure] : refused) finish(id, std::move(failure));
}

// False when nothing more is to be taken from this connection.
bool link::perform(wire::client_protocol::step next, const wire::frame& frame) {
    using step = wire::client_protocol::step;
    switch (next) {
    case step::ready:
        return on_ready();
    case step::reply:
        if (frame.header.code == 0)
            finish(frame.header.id, reply{frame.body, frame.header.budget});
        else
            finish(frame.header.id, protocol_.error_of(frame, static_cast<wire::status>(frame.header.code)));
        return state_ != state::closed;
    case step::event:
        if (const auto found = pending_.find(frame.header.id);
            found != pending_.end() && found->second.on_event) {
            // Called from a copy: the handler may cancel the stream.
            const auto handler = found->second.on_event;
            handler(frame.body);
        }
        return state_ != state::closed;
    case step::leaving:
        on_leaving(frame);
        return true;
    case step::broken:
        last_failure_ = protocol_.why();
        connection_->close();
        return false;
    default:
        return true;
    }
}

bool link::on_ready() {
    reconnection_.serves();
    home_.arm(upkeep_, options_.ping_after);
    set_state(state::ready);
    if (state_ == state::ready) send_waiting();
    return state_ == state::ready;
}

// New calls wait for the next connection; those the server never ran are safe to send there.
void link::on_leaving(const wire::frame& goaway) {
    last_failure_ = protocol_.why();
    if (state_ == state::ready) set_state(state::leaving);
    std::vector<std::uint64_t> not_run;
    for (const auto& [id, entry] : pending_)
        if (entry.sent && id > goaway.header.id) not_run.push_back(id);
    const auto failure = protocol_.error_of(goaway, wire::status::unavailable);
    for (const auto id : not_run) finish(id, failure);
    reconnection_.leaves();
}

void link::on_upkeep() {
    if (!connection_) {
        if (state_ != state::connecting) return;
        ++round_;
        return on_failed("the server did not answer in time");
    }
    std::string out;
    if (protocol_.on_deadline(clock::now(), connection_->last_read(), out)) {
        if (state_ == state::greeting) last_failure_ = protocol_.why();
        return connection_->close();
    }
    if (!out.empty()) send(out);
    home_.arm(upkeep_, protocol_.deadline() - clock::now());
}

} // namespace stadion::net
