// The OpenAPI 3.1 document of a server, generated from its routes and methods.
#pragma once

#include "net/session/server_context.hpp"

namespace stadion::net {

std::string make_openapi(const server_context& server);

} // namespace stadion::net
