// Passes questions about the past on to the database server, which keeps the histories: the history of a
// game, and lists as of a time.
#pragma once

#include "net/board/board_http.hpp"

#include <functional>
#include <string>

namespace stadion::frontend {

// `database` returns the address of the database server, empty while there is none. It is called on any
// worker. A question about the live view carries the caller's own token, by which the database server decides
// again.
net::past_reader remote_past(net::runtime& threads, std::function<std::string()> database);

} // namespace stadion::frontend
