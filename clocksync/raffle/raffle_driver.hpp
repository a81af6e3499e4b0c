// The order and the raffle on it, as one server runs them: it submits the requests counted here, and reports
// the draws.
//
// Front-ends count requests. The database server runs it too, because its log outlives the front-ends.
// Threading: the worker's, except where noted. Bounds: at most `runs_waiting_max` runs wait here while the
// order takes none (a view change). A caller reserves room before it hands runs over, and keeps the rest.
#pragma once

#include "clocksync/order/order_driver.hpp"
#include "clocksync/raffle/raffle_log.hpp"

namespace stadion::clocksync {

class raffle_driver : public std::enable_shared_from_this<raffle_driver> {
public:
    static constexpr std::size_t runs_waiting_max = 65'536;
    using send_handler = std::function<void(server_id to, ring_key key, std::string frames)>;

    raffle_driver(net::worker& home, raffle_settings settings, send_handler send);

    // `self` is this server's id in the fleet. It takes part from the first view on that lists it.
    void on_view(server_id self, const fleet_view& view);
    void on_leader(epoch_number epoch, server_id leader);
    void on_peer_up(server_id peer);
    void count(std::vector<request_run> runs); // for which room was reserved
    void close();

    // Any thread. Reserves room for up to `wanted` runs and returns how many; `give_back` what is not used.
    std::size_t reserve(std::size_t wanted) noexcept;
    void give_back(std::size_t unused) noexcept { reserved_.fetch_sub(unused, std::memory_order_relaxed); }
    void note_missed(std::uint64_t requests) noexcept {
        missed_.fetch_add(requests, std::memory_order_relaxed);
    }

    void set_ring_key(ring_key key) noexcept { key_.store(key, std::memory_order_relaxed); }

    // Any thread. Hands the frames over to the worker; those of one caller stay in their order.
    // PERMISSION_DENIED without the ring key.
    wire::result<void> on_frames(server_id from, ring_key key, std::string frames);

    net::worker& home() noexcept { return home_; }
    const raffle_log& log() const noexcept { return log_; }
    const order_driver::figures& order() const noexcept {
        return joined_.load(std::memory_order_acquire) ? order_->now() : nothing_;
    }
    std::uint64_t missed() const noexcept { return missed_.load(std::memory_order_relaxed); }

    std::function<void(const std::vector<raffle_draw>&)> on_draws; // set before the first view

private:
    static constexpr std::size_t message_bytes_max = 16 << 10;

    void join(ring_member self);
    void submit_waiting();

    net::worker& home_;
    raffle_log log_;
    send_handler send_;
    order_driver::figures nothing_;       // until it has joined
    std::shared_ptr<order_driver> order_; // set once
    std::atomic<bool> joined_{false};
    std::atomic<ring_key> key_{0};
    epoch_number epoch_ = 0; // of the last leader heard of
    server_id leader_ = 0;
    std::vector<request_run> waiting_;
    std::atomic<std::size_t> reserved_{0}; // for the waiting runs and those on their way here
    std::atomic<std::uint64_t> missed_{0}; // requests
    bool closed_ = false;
};

} // namespace stadion::clocksync
