// HTTP requests and responses as handlers see them. The session (http_session.hpp) parses the requests and
// encodes the responses.
#pragma once

#include "net/rpc/access.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stadion::net {

enum class http_method : std::uint8_t { get, head, post, put, delete_, options, other };

std::string_view http_method_name(http_method method) noexcept;

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_request {
    http_method method = http_method::get;
    std::string target;                                     // as sent
    std::string path;                                       // percent-decoded, without the query
    std::vector<std::pair<std::string, std::string>> query; // percent-decoded
    http_headers headers;                                   // names in lower case
    std::vector<std::string> captures;                      // the parts that the route's {…} matched
    std::string body;
    role_set roles = anyone;

    std::string_view header(std::string_view lower_case_name) const noexcept; // empty when absent
    std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

struct http_response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::shared_ptr<const std::string> shared_body; // instead of `body`, when set
    http_headers headers;
};

// application/problem+json (RFC 9457) with `code`, the wire status name, and `origin`.
http_response problem(const wire::error& failure, std::string_view origin = {});
http_response problem(unsigned http_status, wire::status code, std::string detail,
                      std::string_view origin = {});

// An error with a more exact HTTP status than its code has.
wire::error http_error(unsigned http_status, wire::status code, std::string detail);

http_response json_response(std::string body, unsigned status = 200);
http_response text_response(std::string body, unsigned status = 200);

std::string to_lower(std::string_view text); // ASCII

// Whether a list header, such as Connection, contains the token. The header may be repeated.
bool has_token(const http_headers& headers, std::string_view lower_case_name,
               std::string_view lower_case_token);

// Percent-decoding (RFC 3986, 2.1); nothing for a malformed escape or for %00. `plus_is_space` for queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);

// Splits and decodes "a=1&b=2"; nothing for a malformed escape.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

const char* reason_phrase(unsigned status) noexcept;

} // namespace stadion::net
