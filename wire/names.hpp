// What a game, a team, a user or a client may be called: UTF-8, 1 to 128 bytes, without control characters.
#pragma once

#include "wire/result.hpp"

#include <string_view>

namespace stadion::wire {

inline constexpr std::size_t name_bytes_max = 128;

// INVALID_ARGUMENT that says what `what` ("game", "client_id") has wrong.
result<void> check_name(std::string_view what, std::string_view name);

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

} // namespace stadion::wire
