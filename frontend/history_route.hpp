// GET /v1/games/{game}/history: the history is the database server's, a front-end passes the question on.
#pragma once

#include "net/server.hpp"

#include <functional>
#include <string>

namespace stadion::frontend {

// `database` answers the address of the database server, empty while there is none; called on any worker.
void add_history_route(net::server& to, std::function<std::string()> database);

} // namespace stadion::frontend
