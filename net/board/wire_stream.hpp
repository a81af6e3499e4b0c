// A subscription of the board as a streaming wire method.
#pragma once

#include "net/board/board_set.hpp"
#include "net/rpc/call.hpp"

namespace stadion::net {

enum class announce : std::uint8_t {
    only_reset,         // a snapshot is just its states: for clients
    snapshot_and_reset, // a Reset with their number precedes the states always: for replicas
};

// Streams until the call ends; owns itself until then.
void start_wire_stream(board_set& boards, std::shared_ptr<pending_call> pending,
                       const live_board::request& wanted, announce how);

} // namespace stadion::net
