// What can be set of the strands that run behind every front-end and the database server.
#pragma once

#include <cstdint>

namespace stadion::clocksync {

struct strand_settings {
    bool leader_election = true;
    std::uint32_t leader_silence_ms = 200; // a leader not heard of for so long is replaced
    bool clock_sync = true;
    int clock_drift_ppm = 0; // for tests: the local clock runs wrong by something within ± this
    bool raffle = true;
    std::uint32_t raffle_every = 100; // requests a draw
};

} // namespace stadion::clocksync
