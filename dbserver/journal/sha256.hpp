// SHA-256 (FIPS 180-4), for names that must not collide. A pure function.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace stadion::dbserver {

std::array<std::uint8_t, 32> sha256(std::string_view text);

// The same as 64 lower-case hexadecimal digits.
std::string sha256_text(std::string_view text);

} // namespace stadion::dbserver
