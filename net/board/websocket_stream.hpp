// The feed of the board as WebSocket text messages (RFC 6455).
//
// The client sends {"subscribe":["games/*",…],"since":"board-sequence"} (or a bare sequence). It may send
// another one at any time, which replaces the subscription. It gets the messages of the NDJSON feed. A
// malformed message is answered with {"error":…,"code":…}. A WebSocket is a protocol of a connection like all
// others, so the server's bounds, deadlines and drain hold for it: on drain it sends Close 1001.
//
// Threading: the connection's worker. Bounds: a slow client gets only the newest state per topic, and its
// messages wait meanwhile. A client that reads nothing is closed by the connection; a client that answers no
// ping for 45 s is closed here.
#pragma once

#include "net/board/board_set.hpp"
#include "net/session/http_session.hpp"

namespace stadion::net {

// Switches the connection to WebSocket, or refuses a request that does not ask for that.
void start_websocket(const access_policy& access, board_set& boards, http_request&& request,
                     const std::shared_ptr<http_exchange>& exchange);

} // namespace stadion::net
