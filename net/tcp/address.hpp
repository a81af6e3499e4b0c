// An address as text, "host:port", and as its parts.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stadion::net {

struct address {
    std::string host;
    std::uint16_t port = 0;
};

// Accepts "127.0.0.1:7400", "[::1]:7400" and "name:7400". Otherwise INVALID_ARGUMENT with the reason.
wire::result<address> split_address(std::string_view text);

std::string join_address(std::string_view host, std::uint16_t port);

} // namespace stadion::net
