// The cluster clock: CLOCK_MONOTONIC · rate + offset, never set back once it is in service.
//
// `clock_line` is an immutable value that any thread may read. `cluster_clock` has one owner, which publishes
// its `line()` after each correction. The problem: corrections come late and in both directions, readers must
// never see time fall, and everyone must know how far to trust a reading. So the clock is two lines: the
// *target*, which a correction replaces at once, and the *reading*, which approaches the target at no more
// than 500 ppm. The system clock is never touched.
//
// Invariants: after `begin_service` readings never fall, and a reading moves against the target by at most
// `slew_limit`; before it, a correction steps the clock. No correction of a lower epoch applies. The
// published error covers the measurement, what is still to be slewed, and what has drifted since.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <optional>
#include <string_view>

namespace stadion::clocksync {

inline constexpr double slew_limit = 500e-6;

enum class clock_state {
    unsynchronised, // never corrected, or out of the fleet since
    synchronised,
    holdover, // no correction lately; it goes on by its learned rate
    unsure,   // its error has passed the limit
};
std::string_view to_string(clock_state state);

struct clock_line {
    instant origin{0};       // local time from which the line holds
    std::int64_t target = 0; // cluster time in ns since the UNIX epoch at `origin`
    double rate = 0;         // cluster seconds per local second, less 1
    std::int64_t ahead = 0;  // reading less target at `origin`; worked off by slewing

    instant measured{0};    // local time at which `bound` held
    duration bound{0};      // |target - cluster time| then
    double drift_bound = 0; // how fast that grows
    instant holdover_at = never;
    duration limit{0};
    bool synchronised = false;

    std::int64_t target_at(instant local) const;
    std::int64_t reading_at(instant local) const; // the cluster time
    duration error_at(instant local) const;
    clock_state state_at(instant local) const;
    std::int64_t still_ahead_at(instant local) const;
};

// A leader's correction of one server: at local time `at` the target is `target`, and goes on at `rate`. It
// is absolute, so late or repeated delivery does no harm.
struct clock_correction {
    epoch_number epoch = 0;
    std::uint64_t round = 0;
    std::uint64_t incarnation = 0; // of the server it was measured for
    instant at{0};
    std::int64_t target = 0;
    double rate = 0;
    duration bound{0};
    double drift_bound = 0;
    instant measured{0};
    ring_key key = 0;
};

struct clock_settings {
    duration holdover_after = std::chrono::seconds(4);
    duration limit = std::chrono::milliseconds(10);
    planted_bug bug = planted_bug::none;
};

class cluster_clock {
public:
    // The clock starts with `system_time`, which is CLOCK_REALTIME in ns at local time `now`.
    cluster_clock(clock_settings settings, instant now, std::int64_t system_time);

    // From now on corrections are slewed, not stepped.
    void begin_service();

    // False when refused: of a lower epoch, or a repetition.
    bool correct(instant now, const clock_correction& correction);
    void note_epoch(epoch_number epoch);
    void exclude(); // the server left the view: unsynchronised until the next correction

    const clock_line& line() const { return line_; }
    epoch_number epoch() const { return epoch_; }
    bool serving() const { return serving_; }

private:
    clock_settings settings_;
    clock_line line_;
    epoch_number epoch_ = 0;
    std::uint64_t round_ = 0;
    bool serving_ = false;
};

} // namespace stadion::clocksync
