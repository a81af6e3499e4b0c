#include "dbserver/journal/sha256.hpp"

#include <openssl/sha.h>

namespace stadion::dbserver {

std::array<std::uint8_t, 32> sha256(std::string_view text) {
    std::array<std::uint8_t, 32> digest;
    static_assert(sizeof digest == SHA256_DIGEST_LENGTH);
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return digest;
}

std::string sha256_text(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string shown;
    for (const std::uint8_t byte : sha256(text)) {
        shown += digits[byte >> 4];
        shown += digits[byte & 15];
    }
    return shown;
}

} // namespace stadion::dbserver
