// The board's feed as WebSocket text messages (RFC 6455).
//
// The client sends {"subscribe":["games/*",…],"since":"board-sequence"} (or a bare sequence), again at any
// time to change it; what it gets are the messages of the NDJSON feed. A message that is not understood is
// answered {"error":…,"code":…}. It is one protocol of a connection like all others, so a server's bounds,
// deadlines and its orderly end hold for it: on drain it says 1001 and closes.
//
// Threading: the connection's worker. Bounds: a client that does not read is fed only the newest per topic,
// is not listened to meanwhile, and is dropped when it takes nothing for as long as any connection may; one
// that answers no ping for 45 s is dropped.
#pragma once

#include "net/board/board_set.hpp"
#include "net/session/http_session.hpp"

namespace stadion::net {

// Takes the connection over, or refuses a request that is no upgrade.
void start_websocket(const access_policy& access, board_set& boards, http_request&& request,
                     const std::shared_ptr<http_exchange>& exchange);

} // namespace stadion::net
