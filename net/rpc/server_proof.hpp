// How a server shows that it is one of ours before it is shown a token: the caller sends a nonce in HELLO,
// the server answers in WELCOME with HMAC-SHA256(server token, nonce) (RFC 2104), and only who holds the same
// token could have made it. Pure, any thread.
//
// What it does not say: that nobody stands between. Whoever can pass frames on to a real server can pass on
// its proof as well; against that there is TLS.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t nonce_bytes = 16;

// From the system's source of randomness.
std::string make_nonce();

// 32 bytes.
std::string proof_of(std::string_view server_token, std::string_view nonce);

} // namespace stadion::net
