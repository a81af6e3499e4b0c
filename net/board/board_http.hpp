// The board over HTTP: the four named endpoints and the resources under /v1, with ETag, If-Match and
// Idempotency-Key. The database server and the front-ends answer alike.
//
// While the board is frozen, a caller with the right to the live view asks for it by `?view=live`
// (board_view.hpp), and GET /v1/state/difference shows what the public does not see yet. The board holds no
// past: the history of a game, and the lists as they were at a time (`?at=`), come from the server's
// `past_reader`.
#pragma once

#include "net/board/board_set.hpp"
#include "net/board/board_writer.hpp"
#include "net/server/server.hpp"

namespace stadion::net {

// Answers GET /v1/games/{game}/history, /v1/games?at=TIME and /v1/teams?at=TIME in the given view, at once or
// later. The time has been checked.
using past_reader = std::function<void(http_request&&, board_view, const std::shared_ptr<http_exchange>&)>;

void add_board_http(server& to, board_set& boards, board_writer& writer, past_reader past);

} // namespace stadion::net
