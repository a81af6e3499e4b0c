#include "net/rpc/server_proof.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <random>

namespace stadion::net {

std::string make_nonce() {
    std::random_device source;
    std::string nonce;
    while (nonce.size() < nonce_bytes) nonce += static_cast<char>(source() & 0xff);
    return nonce;
}

std::string proof_of(std::string_view server_token, std::string_view nonce) {
    std::string proof(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    HMAC(EVP_sha256(), server_token.data(), static_cast<int>(server_token.size()),
         reinterpret_cast<const unsigned char*>(nonce.data()), nonce.size(),
         reinterpret_cast<unsigned char*>(proof.data()), &size);
    proof.resize(size);
    return proof;
}

} // namespace stadion::net
