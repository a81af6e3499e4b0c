// Connects to "host:port" within a time, for what is not a `link`.
//
// Threading: on the worker given.
#pragma once

#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

namespace stadion::net {

// UNAVAILABLE or DEADLINE_EXCEEDED, naming the address; INVALID_ARGUMENT for what is no address.
awaitable<wire::result<tcp::socket>> connect_to(worker& home, std::string address,
                                                std::chrono::milliseconds within);

} // namespace stadion::net
