// Parses the heads of HTTP/1.1 messages with Beast, and then checks them strictly: a head about whose framing
// two parsers could disagree (request smuggling, RFC 9112 section 11.2) is refused.
//
// Pure. Bounds: 16 KiB and 100 fields. Errors carry the HTTP status to answer.
#pragma once

#include "net/http/http_body.hpp"
#include "net/http/http_message.hpp"

namespace stadion::net {

inline constexpr std::size_t head_bytes_max = 16 * 1024;

// The size of the head at the front, with the empty line that ends it; 0 while it has not all come. An error
// when it is too large.
wire::result<std::size_t> find_head(std::string_view bytes);

struct request_head {
    http_request request; // its body and roles are not set
    http_body_reader body;
    bool is_http_1_0 = false;
    bool keep_alive = true;
    bool waits_for_continue = false;
};

// `raw` is a whole head.
wire::result<request_head> parse_request_head(std::string_view raw);

struct answer_head {
    unsigned status = 0;
    http_headers headers; // names in lower case
    http_body_reader body;
    bool keep_alive = false;
};

// `has_no_body`: the request was a HEAD.
wire::result<answer_head> parse_answer_head(std::string_view raw, bool has_no_body);

} // namespace stadion::net
