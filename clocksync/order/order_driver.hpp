// Total order on a worker: runs `ordered_multicast`, passes it events and time, and performs its output.
//
// Events come in on the worker, one by one. At the end of the loop's round everything that gathered is
// flushed once: a round that brought a thousand messages costs one batch and one Peer.Order per peer. Output
// is performed in this order: frames, restore, deliveries, view, snapshot. One timer is armed to the
// machine's deadline.
//
// Threading: the worker's; `now` on any thread. Lifetime: shared, because what is posted outlives a round of
// the loop; `close` ends it. Bounds: the machine's. `submit` answers false when this server's own messages
// fill `own_bytes_max`, and `on_room` is called when there is room again.
#pragma once

#include "clocksync/order/ordered_multicast.hpp"
#include "net/loop/runtime.hpp"

#include <atomic>
#include <functional>

namespace stadion::clocksync {

class order_driver : public std::enable_shared_from_this<order_driver> {
public:
    struct handlers {
        // Sends one Peer.Order with `frames`. Links are FIFO; what cannot be sent may be dropped.
        std::function<void(server_id to, std::string frames)> send;
        std::function<void(const order_output::restored&)> on_restore; // before the deliveries
        std::function<void(const order_output::delivered&)> on_delivery;
        std::function<void(const order_output::installed&)> on_installed; // after the deliveries
        std::function<std::string()> take_snapshot; // of the state after all deliveries, for a newcomer
        std::function<void()> on_room;              // after a `submit` was refused
    };
    struct figures {
        std::atomic<std::uint64_t> index{0}; // of the log, of the next delivery
        std::atomic<std::uint64_t> lag{0};   // own messages submitted and not yet delivered
        std::atomic<std::uint64_t> view_epoch{0};
        std::atomic<std::uint64_t> view_serial{0};
        std::atomic<std::uint64_t> members{0};
        std::atomic<std::uint64_t> refused{0}; // submissions, for want of room
    };

    // `self` is from the first view that lists this server.
    order_driver(net::worker& home, order_settings settings, ring_member self, handlers perform);
    ~order_driver();

    void on_view(const fleet_view& view);
    void on_leader(epoch_number epoch, server_id leader);
    void on_peer_up(server_id peer); // frames sent before may have been lost
    // Peer.Order's `frames`. False: malformed.
    [[nodiscard]] bool on_frames(server_id from, std::string_view frames);
    // False: full, `on_room` says when to try again; or larger than `batch_bytes_max`.
    [[nodiscard]] bool submit(std::string_view message);
    void close();

    net::worker& home() noexcept { return home_; }
    const figures& now() const noexcept { return figures_; }
    const ordered_multicast& machine() const noexcept { return machine_; }

private:
    struct parcel { // what goes to one peer at the end of this round
        server_id to;
        std::string frames;
    };

    // A Peer.Order is sent when it has grown to this; one frame more may be in it.
    static constexpr std::size_t parcel_bytes_max = 256 << 10;

    static instant clock();
    void settle_soon();
    void settle();
    void perform(order_output out);
    void put(server_id to, std::string_view frame);
    void send_parcels();
    void arm();
    void publish();

    net::worker& home_;
    ordered_multicast machine_;
    handlers handle_;
    figures figures_;
    std::vector<parcel> parcels_;
    net::asio::steady_timer timer_;
    instant armed_ = never;
    bool settling_ = false;
    bool starved_ = false; // a submission was refused
    bool closed_ = false;
};

} // namespace stadion::clocksync
