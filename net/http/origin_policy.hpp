// Decides whether an HTTP request may come from the page that sent it.
//
// The problem: a page of any web site can make its visitor's browser send requests to addresses that only the
// visitor reaches, such as loopback. With DNS rebinding it can even make the browser take our server for the
// page's own. Browsers therefore send headers that a page cannot change:
//
//   Host            The name that the browser believes to talk to. It must be one of ours.
//   Origin          The site of the page, sent with every request that may change something and with every
//                   WebSocket. It must be absent, ours, or an allowed one.
//   Sec-Fetch-Site  How that site is related to us, sent with every request. It must not be another site,
//                   except for an allowed origin and for a followed link, a GET that changes nothing.
//
// Programs that are not browsers send only Host. The content type of a request does not matter.
//
// Pure; filled before the server listens, then read by all workers. Errors: 421 for a Host that is not ours,
// 403 for a page of another site.
#pragma once

#include "net/http/http_message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace stadion::net {

class origin_policy {
public:
    // `hosts` are further names of ours, such as that of a reverse proxy. `origins` are the sites whose pages
    // may talk to us, such as `https://scores.example`. `*` stands for any.
    origin_policy() = default;
    origin_policy(std::vector<std::string> hosts, std::vector<std::string> origins);

    // INVALID_ARGUMENT, naming it, for a host or an origin that is malformed.
    wire::result<void> verify() const;

    // The address that the server is bound to. `host` may be a name or 0.0.0.0.
    void bound_to(std::string_view host, std::uint16_t port);

    wire::result<void> check(const http_request& request) const;

    // The origin of a request from an allowed page of another site; otherwise empty. The browser shows the
    // answer to that page only if the answer names the origin (CORS).
    std::string_view cross_origin(const http_request& request) const;

private:
    struct authority {
        std::string host; // in lower case; an IPv6 address without brackets
        std::string port; // empty: the default of the scheme
    };
    static bool parse(std::string_view text, authority& to);

    bool is_ours(const authority& host) const;
    bool is_own_origin(std::string_view origin, const authority& host) const;
    bool is_allowed(std::string_view origin) const;

    std::vector<std::string> hosts_;   // in lower case
    std::vector<std::string> origins_; // in lower case
    std::string bound_host_;
    std::string bound_port_;
    bool any_address_ = false; // bound to all addresses of this machine
};

} // namespace stadion::net
