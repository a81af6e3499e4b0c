#include "net/http/idempotency_key.hpp"

#include "wire/utf8.hpp"

#include <algorithm>

namespace stadion::net {
namespace {

wire::error refused(const std::string& why) {
    return wire::make_error(wire::status::invalid_argument, "the idempotency key " + why);
}

} // namespace

wire::result<void> check_idempotency_key(std::string_view key) {
    if (key.size() > idempotency_key_bytes_max)
        return refused("is " + std::to_string(key.size()) + " bytes long; at most " +
                       std::to_string(idempotency_key_bytes_max) + " are allowed");
    if (!wire::is_utf8(key)) return refused("is not UTF-8");
    if (wire::has_control_characters(key)) return refused("has control characters");
    return {};
}

wire::result<std::string> idempotency_key_of(const http_request& request) {
    constexpr std::string_view name = "idempotency-key";
    const auto is_key = [&](const auto& header) { return header.first == name; };
    const auto found = std::find_if(request.headers.begin(), request.headers.end(), is_key);
    if (found == request.headers.end()) return std::string();
    if (std::count_if(found, request.headers.end(), is_key) > 1) return refused("is given more than once");
    if (found->second.empty()) return refused("is empty");
    if (const auto checked = check_idempotency_key(found->second); !checked) return checked.error();
    return found->second;
}

std::string caller_name(const boost::asio::ip::address& of) {
    if (of.is_v4()) return of.to_string();
    const auto address = of.to_v6();
    if (address.is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address).to_string();
    auto bytes = address.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

} // namespace stadion::net
