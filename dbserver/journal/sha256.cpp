#include "dbserver/journal/sha256.hpp"

#include "wire/hex.hpp"

#include <openssl/sha.h>

namespace stadion::dbserver {

std::array<std::uint8_t, 32> sha256(std::string_view text) {
    std::array<std::uint8_t, 32> digest;
    static_assert(sizeof digest == SHA256_DIGEST_LENGTH);
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return digest;
}

std::string sha256_text(std::string_view text) {
    const auto digest = sha256(text);
    return wire::to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

} // namespace stadion::dbserver
