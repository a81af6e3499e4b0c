// Peer.Order: where the frames of the total order come in.
//
// Its answer carries nothing, so answers are gathered and written together a little later: one write for many
// requests, none on the path of a message. Frames of one connection are handed on in their order.
// Threading: `arrive` is called on the connection's worker.
#pragma once

#include "clocksync/ring/types.hpp"
#include "net/server/server.hpp"

#include <functional>

namespace stadion::clocksync {

// `arrive` takes the frames over; answers an error that ends up with the caller.
using order_arrival = std::function<wire::result<void>(server_id from, ring_key key, std::string frames)>;

// Before the server listens.
void add_order_methods(net::server& to, order_arrival arrive);

} // namespace stadion::clocksync
