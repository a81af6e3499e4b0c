// How an HTTP request becomes a WebSocket (RFC 6455, section 4). Pure.
#pragma once

#include "net/http/http_message.hpp"

namespace stadion::net {

// Whether it asks for another protocol at all.
bool is_upgrade(const http_request& request);

// The headers of the 101 that accepts the request. Otherwise why not: 426 for one that asks for no WebSocket
// of version 13, 400 for one that is malformed or has a body.
wire::result<http_headers> accept_websocket(const http_request& request);

// The answer to one that was not accepted; a 426 names what is spoken here.
http_response refuse_websocket(const wire::error& failure, std::string_view origin);

} // namespace stadion::net
