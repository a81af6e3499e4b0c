// The RPCs of the board: reads from the worker's board, writes through a board_writer, and streams. The
// services FrontEnd and Database offer the same methods under different names and numbers.
#pragma once

#include "net/board/board_set.hpp"
#include "net/board/board_writer.hpp"
#include "net/server/server.hpp"

namespace stadion::net {

void add_front_end_rpc(server& to, board_set& boards, board_writer& writer);

// A further check of a Watch request; the request is answered with its error.
using watch_check = std::function<wire::result<void>(const v1::WatchRequest& request, role_set roles)>;

void add_database_rpc(server& to, board_set& boards, board_writer& writer, watch_check may_watch = nullptr);

} // namespace stadion::net
