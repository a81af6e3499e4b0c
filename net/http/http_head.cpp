#include "net/http/http_head.hpp"

#include "wire/utf8.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <boost/asio/buffer.hpp>

#include <algorithm>

namespace stadion::net {
namespace http = boost::beast::http;
namespace {

constexpr std::size_t fields_max = 100;

http_method to_method(http::verb verb) {
    switch (verb) {
    case http::verb::get:
        return http_method::get;
    case http::verb::head:
        return http_method::head;
    case http::verb::post:
        return http_method::post;
    case http::verb::put:
        return http_method::put;
    case http::verb::delete_:
        return http_method::delete_;
    case http::verb::options:
        return http_method::options;
    default:
        return http_method::other;
    }
}

std::string_view view(boost::string_view text) { return {text.data(), text.size()}; }

wire::error refused(std::string why) {
    return wire::make_error(wire::status::invalid_argument, std::move(why));
}

// Why the framing of this message is ambiguous; null when it is not.
const char* ambiguous_framing(const http_headers& headers, bool is_http_1_0, std::string_view raw) {
    if (raw.find("\r\n ") != std::string_view::npos || raw.find("\r\n\t") != std::string_view::npos)
        return "a header is folded over several lines";
    if (headers.size() > fields_max) return "there are more than 100 headers";
    std::size_t lengths = 0, encodings = 0;
    for (const auto& [name, value] : headers) {
        if (name == "content-length") ++lengths;
        if (name != "transfer-encoding") continue;
        ++encodings;
        if (to_lower(value) != "chunked") return "Transfer-Encoding is not chunked";
    }
    if (lengths > 1) return "Content-Length is repeated";
    if (encodings > 1) return "Transfer-Encoding is repeated";
    if (encodings == 1 && lengths == 1) return "there are both Content-Length and Transfer-Encoding";
    if (encodings == 1 && is_http_1_0) return "HTTP/1.0 has no Transfer-Encoding";
    return nullptr;
}

template <typename Message>
http_headers headers_of(const Message& message) {
    http_headers headers;
    for (const auto& field : message)
        headers.emplace_back(to_lower(view(field.name_string())), std::string(view(field.value())));
    return headers;
}

// The parser gets the head only, so that it cannot act on the bytes that follow.
template <typename Parser>
boost::system::error_code parse_head(Parser& parser, std::string_view raw) {
    parser.header_limit(static_cast<std::uint32_t>(head_bytes_max));
    parser.body_limit(boost::none);
    boost::system::error_code failure;
    parser.put(boost::asio::buffer(raw.data(), raw.size()), failure);
    if (failure == http::error::need_more) failure = {};
    if (!failure && !parser.is_header_done()) failure = http::error::partial_message;
    return failure;
}

template <typename Parser>
http_body_reader body_of(const Parser& parser, http_body_reader otherwise) {
    if (parser.chunked()) return http_body_reader::in_chunks();
    if (const auto size = parser.content_length()) return http_body_reader::of_length(*size);
    return otherwise;
}

wire::result<void> split_target(http_request& request) {
    const std::string_view target(request.target);
    const auto question = std::min(target.find('?'), target.size());
    auto path = percent_decode(target.substr(0, question), false);
    auto query = parse_query(target.substr(std::min(question + 1, target.size())));
    if (!path || !query || path->empty() || path->front() != '/')
        return refused("the request target is malformed");
    bool is_text = wire::is_utf8(*path);
    for (const auto& [name, value] : *query) is_text = is_text && wire::is_utf8(name) && wire::is_utf8(value);
    if (!is_text) return refused("the request target is not UTF-8");
    request.path = *std::move(path);
    request.query = *std::move(query);
    return {};
}

} // namespace

wire::result<std::size_t> find_head(std::string_view bytes) {
    const auto end = bytes.substr(0, head_bytes_max).find("\r\n\r\n");
    if (end != std::string_view::npos) return end + 4;
    if (bytes.size() < head_bytes_max) return std::size_t{0};
    return http_error(431, wire::status::invalid_argument, "the headers are larger than 16 KiB");
}

wire::result<request_head> parse_request_head(std::string_view raw) {
    http::request_parser<http::empty_body> parser;
    if (const auto failure = parse_head(parser, raw))
        return refused("this is not HTTP: " + failure.message());
    const auto& message = parser.get();
    request_head head;
    auto& request = head.request;
    request.headers = headers_of(message);
    head.is_http_1_0 = message.version() < 11;
    if (const auto* reason = ambiguous_framing(request.headers, head.is_http_1_0, raw))
        return refused(std::string("refused: ") + reason);
    const auto hosts = std::count_if(request.headers.begin(), request.headers.end(),
                                     [](const auto& field) { return field.first == "host"; });
    if (hosts > 1) return refused("refused: there are two Host headers");
    if (hosts == 0 && !head.is_http_1_0) return refused("refused: there is no Host header");

    request.method = to_method(message.method());
    request.target = std::string(view(message.target()));
    if (auto split = split_target(request); !split) return split.error();
    head.keep_alive = message.keep_alive();
    head.body = body_of(parser, http_body_reader());
    head.waits_for_continue = to_lower(request.header("expect")) == "100-continue";
    return head;
}

wire::result<answer_head> parse_answer_head(std::string_view raw, bool has_no_body) {
    http::response_parser<http::empty_body> parser;
    if (const auto failure = parse_head(parser, raw))
        return refused("this is not HTTP: " + failure.message());
    const auto& message = parser.get();
    answer_head head;
    head.headers = headers_of(message);
    if (const auto* reason = ambiguous_framing(head.headers, message.version() < 11, raw))
        return refused(reason);
    head.status = message.result_int();
    head.keep_alive = message.keep_alive();
    const bool is_bodiless = has_no_body || head.status < 200 || head.status == 204 || head.status == 304;
    if (!is_bodiless) head.body = body_of(parser, http_body_reader::until_close());
    return head;
}

} // namespace stadion::net
