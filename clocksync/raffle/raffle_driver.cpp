#include "clocksync/raffle/raffle_driver.hpp"

#include <algorithm>
#include <chrono>

namespace stadion::clocksync {

raffle_driver::raffle_driver(net::worker& home, raffle_settings settings, send_handler send)
    : home_(home), log_(settings), send_(std::move(send)) {}

void raffle_driver::join(ring_member self) {
    order_driver::handlers handle;
    handle.send = [this](server_id to, std::string frames) {
        send_(to, key_.load(std::memory_order_relaxed), std::move(frames));
    };
    handle.on_restore = [this](const order_output::restored& from) { log_.restore(from); };
    handle.on_delivery = [this](const order_output::delivered& what) {
        if (const auto draws = log_.deliver(what); !draws.empty() && on_draws) on_draws(draws);
    };
    handle.on_installed = [](const order_output::installed&) {};
    handle.take_snapshot = [this] { return log_.snapshot(); };
    handle.on_room = [this] { submit_waiting(); };
    using std::chrono::steady_clock, std::chrono::system_clock;
    order_settings settings;
    settings.unix_ahead = system_clock::now().time_since_epoch() - steady_clock::now().time_since_epoch();
    order_ = std::make_shared<order_driver>(home_, settings, self, std::move(handle));
    joined_.store(true, std::memory_order_release);
    if (epoch_ != 0) order_->on_leader(epoch_, leader_);
    submit_waiting();
}

void raffle_driver::on_view(server_id self, const fleet_view& view) {
    if (closed_) return;
    // A view without this server is ignored: it will be readmitted as another incarnation.
    const ring_member* const me = find_member(view.ring, self);
    if (me == nullptr) return;
    if (!order_) join(*me);
    order_->on_view(view);
}

void raffle_driver::on_leader(epoch_number epoch, server_id leader) {
    epoch_ = epoch;
    leader_ = leader;
    if (order_) order_->on_leader(epoch, leader);
}

void raffle_driver::on_peer_up(server_id peer) {
    if (order_) order_->on_peer_up(peer);
}

wire::result<void> raffle_driver::on_frames(server_id from, ring_key key, std::string frames) {
    if (!is_from_ring(key_.load(std::memory_order_relaxed), key))
        return wire::make_error(wire::status::permission_denied,
                                "frames of the order are taken from the servers of this fleet only");
    home_.post([weak = weak_from_this(), from, frames = std::move(frames)] {
        // Malformed frames are dropped like lost ones; the sender repeats what matters.
        if (const auto self = weak.lock(); self && self->order_) (void)self->order_->on_frames(from, frames);
    });
    return {};
}

std::size_t raffle_driver::reserve(std::size_t wanted) noexcept {
    std::size_t before = reserved_.load(std::memory_order_relaxed);
    std::size_t given;
    do given = std::min(wanted, runs_waiting_max - before);
    while (!reserved_.compare_exchange_weak(before, before + given, std::memory_order_relaxed));
    return given;
}

void raffle_driver::count(std::vector<request_run> runs) {
    waiting_.insert(waiting_.end(), std::make_move_iterator(runs.begin()),
                    std::make_move_iterator(runs.end()));
    submit_waiting();
}

void raffle_driver::submit_waiting() {
    if (!order_) return;
    std::size_t done = 0;
    while (done < waiting_.size()) {
        std::size_t end = done, bytes = 0;
        while (end < waiting_.size() && bytes < message_bytes_max)
            bytes += waiting_[end++].client.size() + 20;
        const auto first = waiting_.begin();
        if (!order_->submit(encode_runs(
                {first + static_cast<std::ptrdiff_t>(done), first + static_cast<std::ptrdiff_t>(end)})))
            break;
        done = end;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
    give_back(done);
}

void raffle_driver::close() {
    closed_ = true;
    if (order_) order_->close();
    on_draws = nullptr;
}

} // namespace stadion::clocksync
