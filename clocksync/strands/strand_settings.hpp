// Settings of the strands of a front-end or the database server.
#pragma once

#include <cstdint>

namespace stadion::clocksync {

struct strand_settings {
    bool leader_election = true;
    std::uint32_t leader_silence_ms = 200; // a leader not heard for so long is replaced
    bool clock_sync = true;
    int clock_drift_ppm = 0; // for tests: the local clock drifts by a random rate within ± this
    bool raffle = true;
    std::uint32_t raffle_every = 100; // requests per draw
};

} // namespace stadion::clocksync
