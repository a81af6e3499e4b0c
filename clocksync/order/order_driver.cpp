#include "clocksync/order/order_driver.hpp"

#include <algorithm>

namespace stadion::clocksync {

order_driver::order_driver(net::worker& home, order_settings settings, ring_member self, handlers perform)
    : home_(home), machine_(settings, self), handle_(std::move(perform)), timer_(home.context()) {}

order_driver::~order_driver() = default;

instant order_driver::clock() {
    return std::chrono::duration_cast<instant>(std::chrono::steady_clock::now().time_since_epoch());
}

// ---- events

void order_driver::on_view(const fleet_view& view) {
    order_output out;
    machine_.on_view(clock(), view, out);
    perform(std::move(out));
    settle_soon();
}

void order_driver::on_leader(epoch_number epoch, server_id leader) {
    order_output out;
    machine_.on_leader(clock(), epoch, leader, out);
    perform(std::move(out));
    settle_soon();
}

void order_driver::on_peer_up(server_id peer) {
    order_output out;
    machine_.on_peer_up(clock(), peer, out);
    perform(std::move(out));
    settle_soon();
}

bool order_driver::on_frames(server_id from, std::string_view frames) {
    if (closed_) return true;
    order_output out;
    const instant now = clock();
    const bool whole = for_each_frame(frames, [&](std::string_view frame) {
        machine_.on_frame(now, from, frame, out);
        if (out.view) perform(std::exchange(out, {})); // later deliveries belong to the new view
    });
    perform(std::move(out));
    settle_soon();
    return whole;
}

bool order_driver::submit(std::string_view message) {
    if (closed_) return false;
    if (!machine_.submit(message)) {
        starved_ = true;
        figures_.refused.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    settle_soon();
    return true;
}

void order_driver::close() {
    closed_ = true;
    timer_.cancel();
}

// ---- the end of the round

void order_driver::settle_soon() {
    if (std::exchange(settling_, true)) return;
    home_.post([self = shared_from_this()] { self->settle(); });
}

void order_driver::settle() {
    settling_ = false;
    if (closed_) return;
    order_output out;
    machine_.flush(clock(), out);
    perform(std::move(out));
    send_parcels();
    arm();
    publish();
}

void order_driver::perform(order_output out) {
    if (closed_) return;
    for (const auto& frame : out.frames) put(frame.to, *frame.frame);
    if (out.restore) handle_.on_restore(*out.restore);
    for (const auto& delivered : out.deliveries) handle_.on_delivery(delivered);
    if (out.view) handle_.on_installed(*out.view);
    if (out.snapshot_wanted) {
        order_output more;
        machine_.provide_snapshot(clock(), handle_.take_snapshot(), more);
        perform(std::move(more));
    }
    if (starved_ && !out.deliveries.empty() && handle_.on_room) {
        starved_ = false;
        handle_.on_room();
    }
}

void order_driver::put(server_id to, std::string_view frame) {
    auto place = std::ranges::find(parcels_, to, &parcel::to);
    if (place == parcels_.end()) place = parcels_.insert(parcels_.end(), {to, {}});
    if (!place->frames.empty() && place->frames.size() + frame.size() > parcel_bytes_max)
        handle_.send(to, std::exchange(place->frames, {}));
    pack_frame(place->frames, frame);
}

void order_driver::send_parcels() {
    for (parcel& one : std::exchange(parcels_, {}))
        if (!one.frames.empty()) handle_.send(one.to, std::move(one.frames));
}

// The timer is moved only to an earlier time. When it fires too early it is armed again.
void order_driver::arm() {
    const instant due = machine_.deadline();
    if (due >= armed_) return;
    armed_ = due;
    timer_.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(due)));
    timer_.async_wait([self = shared_from_this()](net::error_code cancelled) {
        if (cancelled || self->closed_) return;
        self->armed_ = never;
        order_output out;
        if (const instant now = clock(); now >= self->machine_.deadline()) self->machine_.tick(now, out);
        self->perform(std::move(out));
        self->settle_soon();
    });
}

void order_driver::publish() {
    constexpr auto relaxed = std::memory_order_relaxed;
    figures_.index.store(machine_.index(), relaxed);
    figures_.lag.store(machine_.lag(), relaxed);
    figures_.view_epoch.store(machine_.view().epoch, relaxed);
    figures_.view_serial.store(machine_.view().serial, relaxed);
    figures_.members.store(machine_.members().size(), relaxed);
}

} // namespace stadion::clocksync
