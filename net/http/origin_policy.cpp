#include "net/http/origin_policy.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace stadion::net {
namespace {

namespace ip = boost::asio::ip;

bool is_any_of(const std::vector<std::string>& list, std::string_view text) {
    return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one == "*" || one == text; });
}

bool is_loopback_name(std::string_view host) {
    if (host == "localhost") return true;
    boost::system::error_code failure;
    const auto address = ip::make_address(std::string(host), failure);
    return !failure && address.is_loopback();
}

bool is_address(std::string_view host) {
    boost::system::error_code failure;
    ip::make_address(std::string(host), failure);
    return !failure;
}

// A link that a person follows: the browser shows our answer as a page of its own, and nothing is changed.
bool is_followed_link(const http_request& request) {
    return (request.method == http_method::get || request.method == http_method::head) &&
           request.header("sec-fetch-mode") == "navigate" && request.header("sec-fetch-dest") == "document";
}

// The beginning of a header for an error message, as printable ASCII.
std::string shown(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 100)) out += c >= ' ' && c <= '~' ? c : '?';
    return out + '\'';
}

wire::error foreign(const std::string& what) {
    return http_error(403, wire::status::permission_denied,
                      what + ": pages of other sites may not talk to this server; name those that may with "
                             "--allow-origin");
}

std::string_view without_scheme(std::string_view origin) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (origin.starts_with(scheme)) return origin.substr(scheme.size());
    return {};
}

} // namespace

origin_policy::origin_policy(std::vector<std::string> hosts, std::vector<std::string> origins) {
    for (const auto& host : hosts) {
        authority parsed;
        const bool is_bracketed = host.starts_with('[') && parse(host, parsed) && parsed.port.empty();
        hosts_.push_back(is_bracketed ? parsed.host : to_lower(host));
    }
    for (const auto& origin : origins) origins_.push_back(to_lower(origin));
}

wire::result<void> origin_policy::verify() const {
    authority parsed;
    for (const auto& host : hosts_)
        if (host != "*" && !is_address(host) && (!parse(host, parsed) || !parsed.port.empty()))
            return wire::make_error(wire::status::invalid_argument,
                                    "--allow-host " + shown(host) + " is no name or address without port");
    for (const auto& origin : origins_)
        if (origin != "*" && origin != "null" && !parse(without_scheme(origin), parsed))
            return wire::make_error(wire::status::invalid_argument,
                                    "--allow-origin " + shown(origin) +
                                        " is none, such as https://scores.example");
    return {};
}

void origin_policy::bound_to(std::string_view host, std::uint16_t port) {
    bound_host_ = to_lower(host);
    bound_port_ = std::to_string(port);
    boost::system::error_code failure;
    const auto address = ip::make_address(bound_host_, failure);
    any_address_ = !failure && address.is_unspecified();
}

wire::result<void> origin_policy::check(const http_request& request) const {
    authority host;
    bool is_known = false;
    // Only HTTP/1.0 may come without a Host (http_head.hpp), and browsers do not speak it.
    for (const auto& [name, value] : request.headers)
        if (name == "host" && (!parse(value, host) || !is_ours(host)))
            return http_error(421, wire::status::permission_denied,
                              "Host " + shown(value) +
                                  " is not a name of this server; name its other names with --allow-host");
    for (const auto& [name, origin] : request.headers) {
        if (name != "origin") continue;
        is_known = is_own_origin(origin, host) || is_allowed(origin);
        if (!is_known) return foreign("Origin " + shown(origin) + " is another site");
    }
    if (is_known || is_followed_link(request)) return {};
    for (const auto& [name, site] : request.headers)
        if (name == "sec-fetch-site" && site != "none" && site != "same-origin")
            return foreign("Sec-Fetch-Site is " + shown(site));
    return {};
}

std::string_view origin_policy::cross_origin(const http_request& request) const {
    const auto origin = request.header("origin");
    authority host;
    if (origin.empty() || !is_allowed(origin)) return {};
    return parse(request.header("host"), host) && is_own_origin(origin, host) ? std::string_view() : origin;
}

// "name", "name:80", "[::1]:80".
bool origin_policy::parse(std::string_view text, authority& to) {
    auto host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        host = text.substr(1, end - 1);
        if (!is_address(host)) return false;
        port = text.substr(end + 1);
    } else {
        host = text.substr(0, text.find(':'));
        port = text.substr(host.size());
    }
    if (!port.empty()) {
        if (port.front() != ':' || port.size() < 2 || port.size() > 6) return false;
        port.remove_prefix(1);
        if (port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    }
    const bool is_name = std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-_:").find(c) != std::string_view::npos;
    });
    if (host.empty() || !is_name) return false;
    to = {to_lower(host), std::string(port)};
    return true;
}

// Any port is accepted: a browser connects to the port that it names, so it is ours or that of a proxy before
// us. When we are bound to all addresses, any numeric address is accepted, because without a name there is no
// DNS rebinding.
bool origin_policy::is_ours(const authority& host) const {
    return host.host == bound_host_ || is_loopback_name(host.host) || is_any_of(hosts_, host.host) ||
           (any_address_ && is_address(host.host));
}

// The host and port of the request, or another name for the same server.
bool origin_policy::is_own_origin(std::string_view origin, const authority& host) const {
    authority from;
    if (!parse(without_scheme(to_lower(origin)), from)) return false;
    const bool is_own_port = from.port == host.port || from.port == bound_port_;
    const bool is_own_host =
        from.host == host.host || from.host == bound_host_ || is_loopback_name(from.host);
    return is_own_host && is_own_port;
}

bool origin_policy::is_allowed(std::string_view origin) const {
    return is_any_of(origins_, to_lower(origin));
}

} // namespace stadion::net
