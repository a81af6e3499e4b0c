// The descriptors this process may have open: each connection takes one, and without one nobody is accepted.
//
// Threading: any thread. Errors: none; a limit that cannot be raised stays as it is.
#pragma once

#include "wire/result.hpp"

#include <cstddef>

namespace stadion::net {

// What a server keeps for itself: its listener, links, files, timers.
inline constexpr std::size_t descriptors_reserved = 128;

// Raises the soft limit to the hard one; answers what it is now. Once, at the start.
std::size_t raise_descriptor_limit() noexcept;

// How many this process may have open.
std::size_t descriptors_max() noexcept;

// How many it may still open. Counted at most once a second, for it costs a look at each.
std::size_t descriptors_left();

// How many clients there are descriptors for, `wanted` at most.
std::size_t clients_within_descriptors(std::size_t wanted) noexcept;

// UNAVAILABLE, saying what to do, when not one more can be opened.
wire::result<void> check_descriptors();

} // namespace stadion::net
