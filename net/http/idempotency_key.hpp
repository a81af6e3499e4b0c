// The idempotency key of a request: what may be one, and whose it is.
//
// A key that cannot be taken as it was sent is refused, never ignored or changed: whoever sent it relies on
// it when he asks again. Pure functions.
#pragma once

#include "net/http/http_message.hpp"
#include "wire/result.hpp"

#include <boost/asio/ip/address.hpp>

#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t idempotency_key_bytes_max = 256;

// INVALID_ARGUMENT, saying why, for one that is too long, not UTF-8 or has control characters. An empty one
// is none.
wire::result<void> check_idempotency_key(std::string_view key);

// The Idempotency-Key of an HTTP request, empty when it has none. Also refused: one that is there and empty,
// and two.
wire::result<std::string> idempotency_key_of(const http_request& request);

// Whose keys they are, for they are bounded by caller: the address, of IPv6 the network.
std::string caller_name(const boost::asio::ip::address& of);

} // namespace stadion::net
