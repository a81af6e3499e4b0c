// What stood on the board before - the history of a game, lists at a time - is the database server's: a
// front-end passes the question on.
#pragma once

#include "net/board_http.hpp"

#include <functional>
#include <string>

namespace stadion::frontend {

// `database` answers the address of the database server, empty while there is none; called on any worker.
// `token` is shown to it, since it is this front-end that decides which view its caller may see.
net::past_reader remote_past(net::runtime& threads, std::function<std::string()> database, std::string token);

} // namespace stadion::frontend
