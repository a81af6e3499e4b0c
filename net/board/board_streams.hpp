// The feed of the board over HTTP: server-sent events, NDJSON and WebSocket. The JSON of an event is made
// once for all of them.
//
//   GET /v1/stream  Server-sent events. `?topics=games/*,teams/*` selects topics. The `id:` of an event is
//                   `board-sequence`; a client resumes by Last-Event-ID or `?since=`.
//   GET /v1/feed    NDJSON, with the same parameters. The position is the `board` of the first message and
//   the
//                   newest `sequence`.
//   GET /v1/ws      WebSocket text messages; see websocket_stream.hpp.
//
// The first message is `snapshot` (the current states), `resumed` (nothing was missed) or `reset` (the
// current states, because the events since the position are not known or the board has another id). A server
// without a board answers 503. `?view=live` shows what happens while the board is frozen, and the events
// `state` that freeze and thaw it (board_view.hpp).
#pragma once

#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

namespace stadion::net {

void add_board_streams(server& to, board_set& boards);

// Appends an event as one message of NDJSON or WebSocket: {"type":"score","sequence":…}.
void append_message(std::string& out, const wire::board_event& event);

} // namespace stadion::net
