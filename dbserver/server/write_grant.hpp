// Whether this database server may write. A fleet has one writer, and the dispatcher grants it an epoch.
//
// The problem: when two database servers take writes, the writes of one of them are lost. So a server in a
// fleet writes only while it has an epoch. It refuses writes that name another epoch: those of a front-end
// with an older view, or with a newer one than this server has. A grant stays valid when the dispatcher dies.
// It does not stay valid when this process was paused (stopped, or the machine slept), because the dispatcher
// may have appointed another writer meanwhile. Then it counts again once the dispatcher has confirmed it.
//
// A server without a fleet may always write, but it refuses writes that name an epoch.
//
// Threading: `check`, `epoch` and `may_write` on any thread, the rest on one worker. Time comes in.
#pragma once

#include "wire/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace stadion::dbserver {

class write_grant {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Much shorter than the time after which the dispatcher admits a server with another data directory.
    static constexpr std::chrono::seconds pause_max{3};
    static constexpr std::chrono::milliseconds tick_every{500};

    // `in_fleet`: the server needs a grant.
    write_grant(bool in_fleet, time_point now) : in_fleet_(in_fleet), last_tick_(now) {}

    // The dispatcher said under which epoch this server writes; 0: it does not.
    void granted(std::uint64_t epoch, time_point now);
    // To be called every `tick_every`; a longer gap is a pause.
    void tick(time_point now);

    // UNAVAILABLE when a write under `epoch` is refused; the caller should retry with a newer view. 0: the
    // caller names no epoch.
    wire::result<void> check(std::uint64_t epoch, time_point now) const;

    std::uint64_t epoch() const noexcept { return epoch_; } // 0: none
    bool may_write(time_point now) const noexcept;

private:
    bool was_paused(time_point now) const noexcept { return now - last_tick_.load() > pause_max; }

    const bool in_fleet_;
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<bool> confirmed_{false}; // since the last pause
    std::atomic<time_point> last_tick_;
};

} // namespace stadion::dbserver
