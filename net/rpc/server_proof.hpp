// How a server proves that it belongs to the fleet before it is shown a token. The caller sends a nonce in
// HELLO; the server answers in WELCOME with HMAC-SHA256(server token, nonce) (RFC 2104), which only a holder
// of the same token can compute. Pure, any thread.
//
// The proof does not exclude a man in the middle: whoever can relay frames to a real server can relay its
// proof too. Against that there is TLS.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t nonce_bytes = 16;

// Random bytes from the system.
std::string make_nonce();

// 32 bytes.
std::string proof_of(std::string_view server_token, std::string_view nonce);

} // namespace stadion::net
