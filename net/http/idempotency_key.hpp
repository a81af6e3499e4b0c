// The idempotency key of a request: which keys are valid, and to which caller they belong.
//
// An invalid key is refused, never ignored or changed, because the caller relies on it when it repeats the
// request. Pure functions.
#pragma once

#include "net/http/http_message.hpp"
#include "wire/result.hpp"

#include <boost/asio/ip/address.hpp>

#include <string>
#include <string_view>

namespace stadion::net {

inline constexpr std::size_t idempotency_key_bytes_max = 256;

// INVALID_ARGUMENT, with the reason, for a key that is too long, is not UTF-8 or has control characters. An
// empty key is valid and means that there is none.
wire::result<void> check_idempotency_key(std::string_view key);

// The Idempotency-Key header of an HTTP request, or an empty string. A header that is empty or repeated is
// refused too.
wire::result<std::string> idempotency_key_of(const http_request& request);

// The caller that keys are counted for: its address, or for IPv6 its /64 network.
std::string caller_name(const boost::asio::ip::address& of);

} // namespace stadion::net
