// The board's feed over HTTP: server-sent events, NDJSON and WebSocket. One JSON text per event, made once.
//
//   GET /v1/stream?topics=games/*,teams/*   SSE; `id:` resumes by Last-Event-ID or ?since=
//   GET /v1/feed?since=n                    NDJSON
//   GET /v1/ws                              WebSocket text messages; see websocket_stream.hpp
//
// First comes `snapshot` (the current states), `resumed` (nothing was missed) or `reset` (events since then
// are no longer held; the current states). `?view=live` shows what happens while the board is frozen, and the
// events `state` that freeze and thaw it (board_view.hpp).
#pragma once

#include "net/live_board.hpp"
#include "net/server.hpp"

namespace stadion::net {

void add_board_streams(server& to, board_set& boards);

// {"type":"score","sequence":…}: an event as one message of NDJSON or WebSocket.
void append_message(std::string& out, const wire::board_event& event);

} // namespace stadion::net
