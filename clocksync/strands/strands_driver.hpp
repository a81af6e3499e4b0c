// The strands of one server, assembled: election, clock, total order and the raffle on it, over one set of
// links to the peers. The leader that is elected polls the clocks and coordinates the order's view changes.
//
// It also adds the strands to /status and /metrics.
//
// Threading: constructed before the server listens. `on_joined`, `on_view`, `add_load` and `close` on `home`.
// The parts say what they offer to other threads.
#pragma once

#include "clocksync/clock/clock_driver.hpp"
#include "clocksync/election/election_driver.hpp"
#include "clocksync/raffle/raffle_driver.hpp"
#include "clocksync/strands/strand_settings.hpp"

namespace stadion::clocksync {

class strands_driver {
public:
    // `in_fleet` false: the server has no peers, and the strands only answer questions about themselves.
    // `token` shows peers that the caller is a server.
    strands_driver(net::worker& home, net::server& server, const strand_settings& settings, bool in_fleet,
                   const std::string& token);

    void on_joined(server_id self, epoch_number epoch, ring_key key,
                   const std::shared_ptr<net::link>& dispatcher);
    void on_view(const v1::View& view);
    void add_load(double load); // 0: idle, 1: full
    void close();

    const std::shared_ptr<clock_driver>& clock() const noexcept { return clock_; }
    // Null if it is switched off, or if the election is: without a leader there is no order to draw from.
    const std::shared_ptr<raffle_driver>& raffle() const noexcept { return raffle_; }

private:
    void start_raffle(net::worker& home, std::uint32_t every);
    void add_metrics();

    net::server& server_;
    std::shared_ptr<election_driver> election_;
    std::shared_ptr<clock_driver> clock_;
    std::shared_ptr<raffle_driver> raffle_;
    server_id self_ = 0;
};

} // namespace stadion::clocksync
