// POST /rpc/{Service}/{Method}: every RPC, with its request and response in protobuf's JSON mapping. The
// handlers are those of the wire protocol. A streaming method answers NDJSON, one line per event.
//
// Request headers: Idempotency-Key; Stadion-Seen, as `board-sequence`; Stadion-Budget, in milliseconds,
// 10,000 by default.
#pragma once

#include "net/session/server_context.hpp"

namespace stadion::net {

void add_rpc_over_http(server_context& server);

} // namespace stadion::net
