// Joins two connections: what comes in on either is sent on the other, uninterpreted. A tunnel begins once
// both sides have agreed to switch from HTTP to another protocol.
//
// Threading: both connections belong to one worker. Bounds: while one side is congested, the other is not
// read. A side that accepts no bytes for as long as a connection allows, or that has sent nothing for 75 s
// (servers ping every 15 s), ends both. When one side ends, what it had sent is still delivered, and then the
// other ends too. When the server drains, both end.
#pragma once

#include "net/tcp/connection.hpp"

namespace stadion::net {

// Makes a connection of `server`, and returns the protocol that `client` is to switch to.
std::unique_ptr<connection::protocol> make_tunnel(connection& client, tcp::socket server);

} // namespace stadion::net
