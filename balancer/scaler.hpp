// How many front-ends there should be: one more when the fleet fills up, one fewer when it is far from full.
//
// A front-end is started as soon as the fleet is fuller than `start_above` of its capacity. The capacity of
// those that are starting counts, and only one starts at a time. One is drained when the others alone would
// have been less than `stop_below` full during all of `calm`. As `stop_below` is under `start_above`, the
// fleet that is left does not start the server again at once.
//
// Threading: none; a state machine of what `decide` is given.
#pragma once

#include "balancer/member.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace stadion::balancer {

struct scaler_settings {
    std::uint32_t servers_min = 3;
    std::uint32_t servers_max = 8;
    double start_above = 0.75; // of the capacity of all
    double stop_below = 0.40;  // of the capacity of those that would stay
    std::chrono::milliseconds calm{60'000};
};

// One front-end. A child that was started and has not joined yet is in state `starting`, with the capacity it
// will have and id `none`.
struct front_end_load {
    server_id id = server_id::none;
    server_state state = server_state::up;
    std::uint64_t clients = 0; // registered and promised
    std::uint32_t capacity = 0;
};

struct scaling {
    enum class action { keep, start, drain };
    action what = action::keep;
    server_id whom = server_id::none; // to be drained: the fewest clients; ties go to the newest
};

class scaler {
public:
    explicit scaler(scaler_settings settings);

    // To be called once a heartbeat period; the caller carries the answer out.
    scaling decide(std::span<const front_end_load> fleet, time_point now);

private:
    scaler_settings settings_;
    std::optional<time_point> calm_since_;
};

} // namespace stadion::balancer
