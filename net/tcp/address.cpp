#include "net/tcp/address.hpp"

#include "wire/number.hpp"

namespace stadion::net {

wire::result<address> split_address(std::string_view text) {
    const auto refuse = [&](const char* why) {
        return wire::make_error(wire::status::invalid_argument,
                                "'" + std::string(text) + "' is not an address: " + why);
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse("expected HOST:PORT");
    auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host.empty()) return refuse("the host is empty");
    const auto port = wire::parse_number<std::uint16_t>(digits).value_or(0);
    if (port == 0) return refuse("the port is not a number from 1 to 65535");
    return address{std::string(host), port};
}

std::string join_address(std::string_view host, std::uint16_t port) {
    const bool is_v6 = host.find(':') != std::string_view::npos;
    return (is_v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
}

} // namespace stadion::net
