// The raffle as all threads of a server see it: fed by the order on its strand, read by every worker.
//
// Guarded by one mutex that is held for one delivery or one copy. The request path never takes it.
#pragma once

#include "clocksync/order/ordered_multicast.hpp"
#include "clocksync/raffle/raffle.hpp"

#include <functional>
#include <mutex>

namespace stadion::clocksync {

class raffle_log {
public:
    explicit raffle_log(raffle_settings settings) : raffle_(settings) {}

    // The strand's thread.
    void restore(const order_output::restored& from);
    std::vector<raffle_draw> deliver(const order_output::delivered& what);
    std::string snapshot() const;

    // Any thread.
    struct standing {
        std::uint32_t every = 0;
        std::uint64_t requests = 0;
        std::string hash;
        view_id history;            // the log they are of; it begins anew when every server was lost at once
        std::uint64_t since_us = 0; // when it began, since the UNIX epoch; 0: there is none yet
        std::vector<raffle_draw> draws; // those kept, oldest first
    };
    standing now(bool with_draws) const;
    std::uint64_t next_request(std::string_view client) const;
    std::string record() const; // the export; written outside the lock

private:
    mutable std::mutex mutex_;
    raffle raffle_;
    view_id history_;
    std::uint64_t since_us_ = 0;
};

} // namespace stadion::clocksync
