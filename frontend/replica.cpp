#include "frontend/replica.hpp"

#include "net/os/limited_log.hpp"
#include "wire/method_numbers.hpp"
#include "wire/printable.hpp"
#include "wire/proto/database.pb.h"

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;

constexpr auto watch_again_after = 50ms;
constexpr std::uint32_t history_wanted = 16'384;

net::link_options options_with(std::string token) {
    net::link_options options;
    options.role = "server";
    options.node = "frontend replica";
    options.token = std::move(token);
    options.peer_proves_itself = true;
    options.reconnect_max = 250ms;
    return options;
}

} // namespace

replica::replica(net::worker& home, net::board_set& boards, std::string token)
    : home_(home),
      boards_(boards),
      link_(std::make_shared<net::link>(home, options_with(std::move(token)))),
      retry_(home.context()) {}

void replica::follow(const std::string& address, std::uint64_t writer_epoch) {
    writer_epoch_ = writer_epoch;
    if (!link_->on_state) {
        boards_.ask_head_with([weak = weak_from_this()](std::uint64_t) {
            if (auto self = weak.lock()) self->home_.post([self] { self->inquire(); });
        });
        link_->on_state = [weak = weak_from_this()](bool ready) {
            auto self = weak.lock();
            if (!self) return;
            self->following_ = ready;
            self->retry_.cancel();
            if (ready) self->watch();
        };
        link_->on_failure = [](const std::string& where, const std::string& why) {
            static net::limited_log log{10s};
            log.warn("cannot reach the database server at " + wire::printable(where) + " yet, trying on: ",
                     why);
        };
    }
    link_->connect({address});
}

void replica::close() {
    retry_.cancel();
    link_->close();
}

std::string replica::not_ready_reason() const {
    return filled_ ? "no connection to the database server; reads go on from memory, writes wait"
                   : "the board has not arrived from the database server yet";
}

void replica::watch() {
    publish();
    before_.clear();
    in_snapshot_ = false;
    v1::WatchRequest request;
    request.set_since(sequence_);
    request.set_board(board_);
    request.set_writer_epoch(writer_epoch_);
    request.set_view(v1::VIEW_LIVE);
    if (sequence_ == 0) request.set_history(history_wanted);
    link_->stream(
        wire::rpc::database_watch, request.SerializeAsString(), {},
        [weak = weak_from_this()](std::string_view payload) {
            if (auto self = weak.lock()) self->on_event(payload);
        },
        [weak = weak_from_this()](auto) {
            if (auto self = weak.lock()) self->watch_ended();
        });
}

// It ended with its connection, which reconnects, or because that server refuses: it may not be the writer
// yet.
void replica::watch_ended() {
    following_ = false;
    if (!link_->is_ready()) return;
    retry_.expires_after(watch_again_after);
    retry_.async_wait([weak = weak_from_this()](net::error_code cancelled) {
        auto self = weak.lock();
        if (cancelled || !self || !self->link_->is_ready()) return;
        self->following_ = true;
        self->watch();
    });
}

void replica::on_event(std::string_view payload) {
    v1::Event event;
    if (!event.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return;
    if (event.has_reset()) return begin_snapshot(event);
    auto item = std::make_shared<const wire::board_event>(std::move(event), std::string(payload));
    if (in_snapshot_) {
        add_to_snapshot(std::move(item));
    } else if (!filled_) {
        before_.push_back(std::move(item));
    } else {
        sequence_ = item->sequence();
        batch_.push_back(std::move(item));
        publish_soon();
    }
}

void replica::begin_snapshot(const v1::Event& event) {
    publish();
    in_snapshot_ = true;
    const auto& reset = event.reset();
    snapshot_ = {};
    snapshot_.board = reset.board();
    snapshot_.sequence = event.sequence();
    states_missing_ = reset.states();
    public_states_missing_ = reset.public_states();
    if (reset.has_state()) snapshot_.shown.emplace().state = reset.state();
    if (states_missing_ + public_states_missing_ == 0) take_snapshot();
}

void replica::add_to_snapshot(net::board_event_ptr state) {
    if (states_missing_ != 0) {
        snapshot_.states.push_back(std::move(state));
        --states_missing_;
    } else {
        if (snapshot_.shown) snapshot_.shown->states.push_back(std::move(state));
        --public_states_missing_;
    }
    if (states_missing_ + public_states_missing_ == 0) take_snapshot();
}

void replica::take_snapshot() {
    in_snapshot_ = false;
    sequence_ = snapshot_.sequence;
    board_ = snapshot_.board;
    snapshot_.before = std::exchange(before_, {});
    boards_.replace(std::make_shared<net::board_snapshot>(std::exchange(snapshot_, {})));
    filled_ = true;
}

void replica::inquire() {
    if (std::exchange(inquiring_, true)) {
        inquire_again_ = true; // the answer to the one in flight may be older than this question
        return;
    }
    inquire_again_ = false;
    v1::CommitRequest request;
    request.set_writer_epoch(writer_epoch_);
    net::call_options options;
    options.wait_for_connection = false;
    link_->call(wire::rpc::database_commit, request.SerializeAsString(), options,
                [weak = weak_from_this(), inquiry = boards_.begin_inquiry()](auto outcome) {
                    auto self = weak.lock();
                    if (!self) return;
                    self->inquiring_ = false;
                    v1::CommitResponse response;
                    if (outcome &&
                        response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size())))
                        self->boards_.on_head(response.sequence(), inquiry);
                    if (self->inquire_again_) self->inquire();
                });
}

// All events of one read of the connection are published as one batch.
void replica::publish_soon() {
    if (std::exchange(publishing_, true)) return;
    home_.post([self = shared_from_this()] { self->publish(); });
}

void replica::publish() {
    publishing_ = false;
    if (batch_.empty()) return;
    boards_.publish(std::make_shared<net::event_batch>(std::exchange(batch_, {})));
}

} // namespace stadion::frontend
