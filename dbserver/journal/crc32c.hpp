// CRC-32C (Castagnoli), with the processor's instruction where there is one.
//
// Source: RFC 3720, appendix B.4, for the polynomial and the test vectors.
#pragma once

#include <cstdint>
#include <string_view>

namespace stadion::dbserver {

// The checksum of A followed by B is crc32c_extend(crc32c_extend(0, A), B).
std::uint32_t crc32c_extend(std::uint32_t crc, std::string_view bytes) noexcept;

inline std::uint32_t crc32c(std::string_view bytes) noexcept { return crc32c_extend(0, bytes); }

// The same by a table, on any processor; tests compare the two.
std::uint32_t crc32c_extend_portable(std::uint32_t crc, std::string_view bytes) noexcept;

} // namespace stadion::dbserver
