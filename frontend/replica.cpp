#include "frontend/replica.hpp"

#include "net/limited_log.hpp"
#include "wire/printable.hpp"
#include "wire/proto/database.pb.h"

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t watch_method = 0x0306;
constexpr std::uint32_t history_wanted = 16'384;

net::link_options options_with(std::string token) {
    net::link_options options;
    options.role = "server";
    options.node = "frontend replica";
    options.token = std::move(token);
    options.reconnect_max = 250ms;
    return options;
}

} // namespace

replica::replica(net::worker& home, net::board_set& boards, std::string token)
    : home_(home),
      boards_(boards),
      link_(std::make_shared<net::link>(home, options_with(std::move(token)))) {}

void replica::follow(const std::string& address) {
    if (!link_->on_state)
        link_->on_state = [weak = weak_from_this()](bool ready) {
            auto self = weak.lock();
            if (!self) return;
            self->following_ = ready;
            if (ready) self->watch();
        };
    link_->on_failure = [](const std::string& where, const std::string& why) {
        static net::limited_log log{10s};
        log.warn("cannot reach the database server at " + wire::printable(where) + " yet, trying on: ", why);
    };
    link_->connect({address});
}

void replica::close() { link_->close(); }

std::string replica::trouble() const {
    return filled_ ? "no connection to the database server; reads go on from memory, writes wait"
                   : "the board has not arrived from the database server yet";
}

void replica::watch() {
    publish();
    before_.clear();
    states_.clear();
    in_snapshot_ = false;
    first_ = !filled_;
    v1::WatchRequest request;
    request.set_since(sequence_);
    request.set_view(v1::VIEW_LIVE);
    if (sequence_ == 0) request.set_history(history_wanted);
    link_->stream(
        watch_method, request.SerializeAsString(), {},
        [weak = weak_from_this()](std::string_view payload) {
            if (auto self = weak.lock()) self->on_event(payload);
        },
        [weak = weak_from_this()](auto outcome) {
            auto self = weak.lock();
            if (self && !outcome) self->following_ = false;
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
    snapshot_at_ = event.sequence();
    states_missing_ = event.reset().states();
    states_.clear();
    shown_.reset();
    shown_missing_ = event.reset().public_states();
    if (event.reset().has_state()) {
        shown_ = std::make_shared<net::live_board::frozen_states>();
        shown_->state = event.reset().state();
    }
    if (states_missing_ + shown_missing_ == 0) take_snapshot();
}

void replica::add_to_snapshot(net::board_event_ptr state) {
    if (states_missing_ != 0) {
        states_.push_back(std::move(state));
        --states_missing_;
    } else {
        if (shown_) shown_->states.push_back(std::move(state));
        --shown_missing_;
    }
    if (states_missing_ + shown_missing_ == 0) take_snapshot();
}

void replica::take_snapshot() {
    in_snapshot_ = false;
    boards_.remember(std::make_shared<net::event_batch>(std::move(before_)));
    boards_.replace(snapshot_at_, std::make_shared<net::event_batch>(std::move(states_)),
                    std::exchange(shown_, nullptr));
    before_ = {};
    states_ = {};
    sequence_ = snapshot_at_;
    filled_ = true;
}

// What one read of the connection brought goes to the workers as one batch.
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
