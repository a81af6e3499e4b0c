// Two connections made one: what comes in on either goes out on the other, unread. What a tunnel is for is
// decided before: it exists only once both sides have agreed to speak something else than HTTP.
//
// Threading: both connections belong to one worker. Bounds: nothing more is read from one side while the
// other has much to take; a side that takes nothing for as long as a connection may, or of which nothing was
// heard for 75 s (servers ping over it every 15 s), ends both. When one side ends, what it had sent is passed
// on and the other ends too; when the server drains, both end.
#pragma once

#include "net/tcp/connection.hpp"

namespace stadion::net {

// Makes a connection of `server` and answers what `client` is to become.
std::unique_ptr<connection::protocol> make_tunnel(connection& client, tcp::socket server);

} // namespace stadion::net
