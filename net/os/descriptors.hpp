// The file descriptors that this process may open. Each connection takes one; when none is left, no
// connection is accepted.
//
// Threading: any thread. Errors: none; a limit that cannot be raised stays as it is.
#pragma once

#include "wire/result.hpp"

#include <cstddef>

namespace stadion::net {

// Not counted as room for clients: the listener, links, files and timers of a server.
inline constexpr std::size_t descriptors_reserved = 128;

// Raises the soft limit to the hard limit and returns it. Called once, at the start.
std::size_t raise_descriptor_limit() noexcept;

// How many descriptors this process may have open.
std::size_t descriptors_max() noexcept;

// How many it may still open. Counted at most once a second, because counting lists /proc/self/fd.
std::size_t descriptors_left();

// The smaller of `wanted` and the number of clients that the limit has room for.
std::size_t clients_within_descriptors(std::size_t wanted) noexcept;

// UNAVAILABLE, with advice, when no further descriptor can be opened.
wire::result<void> check_descriptors();

} // namespace stadion::net
