// The board over HTTP: the four named endpoints and the resources, with ETag, If-Match and Idempotency-Key.
// The database server and the front-ends answer the same.
//
// While the board is frozen, who may see the live view asks for it by `?view=live` (board_view.hpp), and
// GET /v1/state/difference shows what the public does not see yet. What no board holds - the history of a
// game, and lists as they stood at a time (`?at=`) - the server answers by its `past_reader`.
#pragma once

#include "net/board/board_set.hpp"
#include "net/board/board_writer.hpp"
#include "net/server/server.hpp"

namespace stadion::net {

// Answers GET /v1/games/{game}/history, /v1/games?at=TIME and /v1/teams?at=TIME, now or later, in that view.
// The time has been checked.
using past_reader = std::function<void(http_request&&, board_view, const std::shared_ptr<http_exchange>&)>;

void add_board_http(server& to, board_set& boards, board_writer& writer, past_reader past);

} // namespace stadion::net
