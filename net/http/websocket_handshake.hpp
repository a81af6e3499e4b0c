// The handshake by which an HTTP request becomes a WebSocket (RFC 6455, section 4). Pure.
#pragma once

#include "net/http/http_message.hpp"

namespace stadion::net {

// Whether the request asks for a switch to any other protocol.
bool is_upgrade(const http_request& request);

// The headers of the 101 that accepts the request. Errors: 426 for a request that does not ask for WebSocket
// version 13, 400 for a request that is malformed or has a body.
wire::result<http_headers> accept_websocket(const http_request& request);

// The answer to a request that is not accepted. A 426 names the supported protocol.
http_response refuse_websocket(const wire::error& failure, std::string_view origin);

} // namespace stadion::net
