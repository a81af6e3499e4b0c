// The board over HTTP: the four named endpoints and the resources, with ETag, If-Match and Idempotency-Key.
// The database server and the front-ends answer the same.
#pragma once

#include "net/board_writer.hpp"
#include "net/live_board.hpp"
#include "net/server.hpp"

namespace stadion::net {

void add_board_http(server& to, board_set& boards, board_writer& writer);

} // namespace stadion::net
