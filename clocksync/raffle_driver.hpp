// The order and the raffle on it, as one server runs them: requests counted here go in, draws come out.
//
// A front-end feeds it with runs; the database server has one too, because its log outlives the front-ends.
// Threading: the worker's, but for `on_frames` and what `log` and `order` offer. Bounds: `runs_waiting_max`
// runs wait while the order takes none (a view change); those beyond are not counted, and `missed` says so.
#pragma once

#include "clocksync/order_driver.hpp"
#include "clocksync/raffle_log.hpp"

namespace stadion::clocksync {

class raffle_driver : public std::enable_shared_from_this<raffle_driver> {
public:
    using send_handler = std::function<void(server_id to, std::string frames)>;

    raffle_driver(net::worker& home, raffle_settings settings, send_handler send);

    // `self` is this server's id in the fleet; it takes part from the first view on that lists it.
    void on_view(server_id self, const fleet_view& view);
    void on_leader(epoch_number epoch, server_id leader);
    void on_peer_up(server_id peer);
    void count(std::vector<request_run> runs);
    void close();

    // Any thread: the frames are handed over to the worker, those of one caller in their order.
    void on_frames(server_id from, std::string frames);

    net::worker& home() noexcept { return home_; }
    const raffle_log& log() const noexcept { return log_; }
    const order_driver::figures& order() const noexcept {
        return joined_.load(std::memory_order_acquire) ? order_->now() : nothing_;
    }
    std::uint64_t missed() const noexcept { return missed_.load(std::memory_order_relaxed); }

    std::function<void(const std::vector<raffle_draw>&)> on_draws; // to be set before the first view

private:
    static constexpr std::size_t runs_waiting_max = 65'536;
    static constexpr std::size_t message_bytes_max = 16 << 10;

    void join(member self);
    void submit_waiting();

    net::worker& home_;
    raffle_log log_;
    send_handler send_;
    order_driver::figures nothing_;       // until it has joined
    std::shared_ptr<order_driver> order_; // set once
    std::atomic<bool> joined_{false};
    epoch_number epoch_ = 0; // of the last leader heard of
    server_id leader_ = 0;
    std::vector<request_run> waiting_;
    std::atomic<std::uint64_t> missed_{0}; // requests
    bool closed_ = false;
};

} // namespace stadion::clocksync
