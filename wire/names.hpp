// What a game, a team, a user or a client may be called: UTF-8, 1 to 128 bytes, without control characters.
#pragma once

#include "wire/result.hpp"

#include <string_view>

namespace stadion::wire {

inline constexpr std::size_t name_bytes_max = 128;

// INVALID_ARGUMENT that says what `what` ("game", "client_id") has wrong.
result<void> check_name(std::string_view what, std::string_view name);

} // namespace stadion::wire
