// A subscription to the board as a streaming method of the wire protocol.
#pragma once

#include "net/board/board_set.hpp"
#include "net/rpc/call.hpp"

namespace stadion::net {

// When a Reset event, with the number of the states, is sent before the states.
enum class reset_event : std::uint8_t {
    after_gap,     // only for a reset: for clients
    before_states, // also for a snapshot: for replicas
};

// Streams until the call ends. The call owns the stream.
void start_wire_stream(board_set& boards, std::shared_ptr<pending_call> pending,
                       const live_board::request& wanted, reset_event when);

} // namespace stadion::net
