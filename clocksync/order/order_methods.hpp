// Serves Peer.Order, which brings the frames of the total order.
//
// Its answer carries nothing, so answers are gathered and written together within some milliseconds: one
// write for many requests, none on the path of a message. Frames of one connection are handed on in their
// order. Threading: `arrive` is called on the connection's worker.
#pragma once

#include "clocksync/ring/types.hpp"
#include "net/server/server.hpp"

#include <functional>

namespace stadion::clocksync {

// Takes the frames over. An error is the caller's answer.
using order_arrival = std::function<wire::result<void>(server_id from, ring_key key, std::string frames)>;

// Before the server listens.
void add_order_methods(net::server& to, order_arrival arrive);

} // namespace stadion::clocksync
