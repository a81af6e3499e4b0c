#include "dbserver/table/siphash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

#include <openssl/evp.h>

namespace stadion::dbserver {
namespace {

// OpenSSL's SipHash is 2-4 with 128 bits unless told otherwise.
hash_128 by_openssl(const hash_key& key, std::string_view text) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> kind(EVP_MAC_fetch(nullptr, "SIPHASH", nullptr),
                                                                 EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> one(EVP_MAC_CTX_new(kind.get()),
                                                                        EVP_MAC_CTX_free);
    std::array<unsigned char, 16> bytes;
    std::memcpy(bytes.data(), &key.low, 8);
    std::memcpy(bytes.data() + 8, &key.high, 8);
    EXPECT_EQ(EVP_MAC_init(one.get(), bytes.data(), bytes.size(), nullptr), 1);
    EXPECT_EQ(EVP_MAC_update(one.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size()), 1);
    std::size_t size = 0;
    EXPECT_EQ(EVP_MAC_final(one.get(), bytes.data(), &size, bytes.size()), 1);
    EXPECT_EQ(size, 16u);
    hash_128 result;
    std::memcpy(&result.low, bytes.data(), 8);
    std::memcpy(&result.high, bytes.data() + 8, 8);
    return result;
}

TEST(siphash, is_what_another_implementation_makes_of_texts_of_every_length) {
    const hash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    std::string text;
    for (int length = 0; length <= 70; ++length) {
        EXPECT_EQ(siphash(key, text), by_openssl(key, text)) << length;
        text += static_cast<char>(length * 37);
    }
}

TEST(siphash, is_another_with_another_key) {
    EXPECT_NE(siphash({1, 2}, "k"), siphash({1, 3}, "k"));
    EXPECT_NE(siphash({1, 2}, "k"), siphash({2, 2}, "k"));
}

} // namespace
} // namespace stadion::dbserver
