// The RPCs of the board: reads from the worker's own board, writes through a board_writer, and the streams.
// FrontEnd and Database offer the same under different names and numbers.
#pragma once

#include "net/board_writer.hpp"
#include "net/live_board.hpp"
#include "net/server.hpp"

namespace stadion::net {

void add_front_end_rpc(server& to, board_set& boards, board_writer& writer);
void add_database_rpc(server& to, board_set& boards, board_writer& writer);

} // namespace stadion::net
