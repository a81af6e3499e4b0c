// Whether this database server may write: the fleet has one writer, and the dispatcher says under which
// epoch.
//
// The problem: two database servers that both take writes lose one of them. So a server that belongs to a
// fleet writes only while it has been granted an epoch, and refuses what was sent to the writer of another
// one: a front-end that goes by an old view, or by a newer one than this server knows. A grant outlives the
// dispatcher, whose death must cost nothing; it does not outlive a pause of our own (a stopped process, a
// sleeping machine), for meanwhile another may have been put in our place: then it counts again when the
// dispatcher has confirmed it.
//
// A server that stands alone may always write, but not as the writer of a fleet: what names an epoch is
// refused.
//
// Threading: `check` on any thread, the rest on one worker. Time comes in.
#pragma once

#include "wire/result.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace stadion::dbserver {

class write_grant {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Shorter than a dispatcher waits before it lets another folder's server in, by far.
    static constexpr std::chrono::seconds pause_max{3};
    static constexpr std::chrono::milliseconds awake_every{500};

    // `in_fleet`: it needs a grant.
    write_grant(bool in_fleet, time_point now) : in_fleet_(in_fleet), awake_at_(now) {}

    // The dispatcher has said under which epoch we write; 0: we do not.
    void granted(std::uint64_t epoch, time_point now);
    // To be called every `awake_every`.
    void awake(time_point now);

    // UNAVAILABLE, for the writer may be another one or become this one: ask again by a newer view. `epoch`
    // is the caller's, 0 when it goes by none.
    wire::result<void> check(std::uint64_t epoch, time_point now) const;

    std::uint64_t epoch() const noexcept { return epoch_; } // 0: none
    bool may_write(time_point now) const noexcept;

private:
    bool was_asleep(time_point now) const noexcept { return now - awake_at_.load() > pause_max; }

    const bool in_fleet_;
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<bool> confirmed_{false}; // since the last pause
    std::atomic<time_point> awake_at_;
};

} // namespace stadion::dbserver
