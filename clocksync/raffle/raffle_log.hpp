// The raffle as all threads of a server see it: the order's worker feeds it, every worker reads it.
//
// One mutex guards it, held for one delivery or one copy. The path of a request never takes it.
#pragma once

#include "clocksync/order/ordered_multicast.hpp"
#include "clocksync/raffle/raffle.hpp"

#include <functional>
#include <mutex>

namespace stadion::clocksync {

class raffle_log {
public:
    explicit raffle_log(raffle_settings settings) : raffle_(settings) {}

    // The order's worker.
    void restore(const order_output::restored& from);
    std::vector<raffle_draw> deliver(const order_output::delivered& what);
    std::string snapshot() const;

    // Any thread.
    struct standing {
        std::uint32_t every = 0;
        std::uint64_t requests = 0;
        std::string hash;
        view_id history; // the log they are of; a new one begins when every server was lost at once
        std::uint64_t since_us = 0;     // when the log began, since the UNIX epoch; 0: there is none yet
        std::vector<raffle_draw> draws; // those kept, oldest first
    };
    standing now(bool with_draws) const;
    std::uint64_t next_request(std::string_view client) const;
    std::string record() const; // the export; its text is made without the lock

private:
    mutable std::mutex mutex_;
    raffle raffle_;
    view_id history_;
    std::uint64_t since_us_ = 0;
};

} // namespace stadion::clocksync
