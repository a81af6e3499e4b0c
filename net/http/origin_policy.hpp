// Which HTTP requests come from where they should. The problem: a page of any web site can make its visitor's
// browser send requests to addresses that only the visitor reaches, such as loopback; and with DNS rebinding
// it can make the browser believe that our server is its own. Browsers say so by headers, and no page can
// keep them from it:
//
//   Host            the name the browser believes to talk to. It must be one of ours.
//   Origin          the site the page came from; with every request that may change something and with every
//                   WebSocket. There is none, or it is ours, or one that was allowed.
//   Sec-Fetch-Site  how that site is related to us, with every request. Not another site, unless its origin
//   was
//                   allowed; but a person may follow a link to us, which is a GET that changes nothing.
//
// Programs that are no browsers send a Host that is ours and none of the others. Content types do not matter.
//
// Pure; filled before the server listens, then read by all workers. Errors: 421 for a Host that is not ours,
// 403 for a foreign page.
#pragma once

#include "net/http/http_message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace stadion::net {

class origin_policy {
public:
    // `hosts` are further names of ours, such as a reverse proxy's; `origins` are sites whose pages may talk
    // to us, `https://scores.example`. `*` stands for any.
    origin_policy() = default;
    origin_policy(std::vector<std::string> hosts, std::vector<std::string> origins);

    // INVALID_ARGUMENT, naming it, for a host or an origin that can be none.
    wire::result<void> verify() const;

    // Where the server turned out to serve: `host` as it was told, which may be a name or 0.0.0.0.
    void bound_to(std::string_view host, std::uint16_t port);

    wire::result<void> check(const http_request& request) const;

    // The site whose page asks, when it is another and was allowed: a browser shows it the answer only if
    // that says so (CORS). Empty otherwise.
    std::string_view guest(const http_request& request) const;

private:
    struct authority {
        std::string host; // in lower case; an IPv6 address without brackets
        std::string port; // empty: the scheme's
    };
    static bool parse(std::string_view text, authority& to);

    bool is_ours(const authority& host) const;
    bool is_own_origin(std::string_view origin, const authority& host) const;
    bool is_allowed(std::string_view origin) const;

    std::vector<std::string> hosts_;   // in lower case
    std::vector<std::string> origins_; // in lower case
    std::string bound_host_;
    std::string bound_port_;
    bool any_address_ = false; // we serve on every address of this machine
};

} // namespace stadion::net
