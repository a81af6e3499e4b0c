// What stood on the board before - the history of a game, lists at a time - is the database server's: a
// front-end passes the question on.
#pragma once

#include "net/board/board_http.hpp"

#include <functional>
#include <string>

namespace stadion::frontend {

// `database` answers the address of the database server, empty while there is none; called on any worker.
// What a caller may see it decides as this front-end does, by the caller's own token, which is passed on.
net::past_reader remote_past(net::runtime& threads, std::function<std::string()> database);

} // namespace stadion::frontend
