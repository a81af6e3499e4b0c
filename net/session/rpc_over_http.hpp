// POST /rpc/{Service}/{Method}: every RPC with its request and response in protobuf's JSON mapping; streaming
// methods answer NDJSON, a line per event. The same handlers answer as for wire frames.
//
// Headers: Idempotency-Key, Stadion-Seen (board-sequence), and Stadion-Budget (milliseconds, 10,000 unless
// given).
#pragma once

#include "net/session/server_context.hpp"

namespace stadion::net {

void add_rpc_over_http(server_context& server);

} // namespace stadion::net
