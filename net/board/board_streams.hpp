// The board's feed over HTTP: server-sent events, NDJSON and WebSocket. One JSON text per event, made once.
//
//   GET /v1/stream?topics=games/*,teams/*   SSE; `id:` is `board-sequence`, and resumes by Last-Event-ID or
//   ?since= GET /v1/feed?since=board-sequence       NDJSON; the place is the `board` of the first message and
//   the newest
//                                           `sequence`
//   GET /v1/ws                              WebSocket text messages; see websocket_stream.hpp
//
// First comes `snapshot` (the current states), `resumed` (nothing was missed) or `reset` (what came since
// then is not known, or there is another board now; the current states). A server without a board answers
// 503. `?view=live` shows what happens while the board is frozen, and the events `state` that freeze and thaw
// it (board_view.hpp).
#pragma once

#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

namespace stadion::net {

void add_board_streams(server& to, board_set& boards);

// {"type":"score","sequence":…}: an event as one message of NDJSON or WebSocket.
void append_message(std::string& out, const wire::board_event& event);

} // namespace stadion::net
