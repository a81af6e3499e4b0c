// SipHash-2-4 with a 128-bit result (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a
// keyed hash. Without the key nobody can choose texts that collide. A pure function.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace stadion::dbserver {

struct hash_key {
    std::uint64_t low = 0, high = 0;
    bool operator==(const hash_key&) const = default;
};

struct hash_128 {
    std::uint64_t low = 0, high = 0;
    bool operator==(const hash_128&) const = default;
};

hash_128 siphash(const hash_key& key, std::string_view text) noexcept;

} // namespace stadion::dbserver
