// Opens a TCP connection to "host:port" within a time limit, for everything that is not a `link`.
//
// Threading: the given worker.
#pragma once

#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

namespace stadion::net {

// UNAVAILABLE or DEADLINE_EXCEEDED, naming the address; INVALID_ARGUMENT when `address` is malformed.
awaitable<wire::result<tcp::socket>> connect_to(worker& home, std::string address,
                                                std::chrono::milliseconds within);

} // namespace stadion::net
