#include "net/http/http_server_protocol.hpp"

#include <charconv>

namespace stadion::net {
namespace {

void append_number(std::string& out, std::uint64_t value, int base = 10) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

bool has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

void append_status_line(std::string& out, unsigned status) {
    out += "HTTP/1.1 ";
    append_number(out, status);
    out.append(" ").append(reason_phrase(status)).append("\r\n");
}

void append_headers(std::string& out, const http_headers& headers) {
    for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
}

} // namespace

// --- requests ---

http_server_protocol::step http_server_protocol::receive(std::string_view& bytes, std::string& out) {
    if (!incoming_) {
        const auto size = find_head(bytes);
        if (!size) return refuse(size.error());
        if (*size == 0) return step::incomplete;
        auto head = parse_request_head(bytes.substr(0, *size));
        if (!head) return refuse(head.error());
        bytes.remove_prefix(*size);
        incoming_ = std::make_unique<incoming>(*std::move(head));
        incoming_->head.body.limit(limits_.body_bytes_max);
    }
    auto& [head, continued] = *incoming_;
    const auto used = head.body.take(bytes, head.request.body, limits_.body_bytes_max);
    if (!used) return refuse(used.error());
    bytes.remove_prefix(*used);
    if (head.body.is_done()) return step::request;
    if (head.waits_for_continue && !std::exchange(continued, true)) out += "HTTP/1.1 100 Continue\r\n\r\n";
    return step::incomplete;
}

http_request http_server_protocol::take_request() {
    auto head = std::move(std::exchange(incoming_, nullptr)->head);
    keep_alive_ = keep_alive_ && head.keep_alive;
    chunked_ = !head.is_http_1_0;
    is_head_request_ = head.request.method == http_method::head;
    cross_origin_.clear();
    return std::move(head.request);
}

http_server_protocol::step http_server_protocol::refuse(wire::error why) {
    refusal_ = std::make_unique<wire::error>(std::move(why));
    incoming_.reset();
    cross_origin_.clear();
    keep_alive_ = false;
    is_head_request_ = false;
    return step::refused;
}

void http_server_protocol::wait_for_rest(bool waits, clock::time_point now) {
    if (!waits)
        request_begun_.reset();
    else if (!request_begun_)
        request_begun_ = now;
}

http_server_protocol::timeout http_server_protocol::check(clock::time_point now,
                                                          clock::time_point last_read) {
    if (now - last_read >= limits_.keep_alive_max) return timeout::close;
    if (!request_begun_ || now - *request_begun_ < limits_.request_within) return timeout::none;
    refuse(http_error(408, wire::status::deadline_exceeded, "the request took longer than a minute to come"));
    return timeout::refused;
}

// --- answers ---

std::shared_ptr<const std::string> http_server_protocol::answer(http_response response, std::string_view date,
                                                                std::string& out) const {
    const std::string_view body =
        response.shared_body ? std::string_view(*response.shared_body) : std::string_view(response.body);
    append_status_line(out, response.status);
    out.append("Date: ").append(date).append("\r\n");
    if (has_body(response.status)) {
        out.append("Content-Type: ").append(response.content_type).append("\r\nContent-Length: ");
        append_number(out, body.size());
        out += "\r\n";
    }
    append_cors_headers(out);
    append_headers(out, response.headers);
    if (!keep_alive_)
        out += "Connection: close\r\n";
    else if (!chunked_)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
    if (is_head_request_ || !has_body(response.status)) return nullptr;
    if (!response.shared_body) out.append(body);
    return std::move(response.shared_body);
}

void http_server_protocol::begin_stream(std::string_view content_type, std::string_view date,
                                        std::string& out) const {
    append_status_line(out, 200);
    out.append("Date: ").append(date).append("\r\nContent-Type: ").append(content_type);
    out += "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n";
    append_cors_headers(out);
    out += chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n";
}

void http_server_protocol::append_piece(std::string_view piece, std::string& out) const {
    if (piece.empty() || is_head_request_) return;
    if (!chunked_) {
        out.append(piece);
        return;
    }
    append_number(out, piece.size(), 16);
    out.append("\r\n").append(piece).append("\r\n");
}

void http_server_protocol::end_stream(std::string& out) const {
    if (chunked_ && !is_head_request_) out += "0\r\n\r\n";
}

void http_server_protocol::append_switch(const http_headers& headers, std::string& out) {
    append_status_line(out, 101);
    append_headers(out, headers);
    out += "\r\n";
}

void http_server_protocol::append_cors_headers(std::string& out) const {
    if (cross_origin_.empty()) return;
    out.append("Access-Control-Allow-Origin: ").append(cross_origin_);
    out += "\r\nAccess-Control-Expose-Headers: ETag, Location, Retry-After, Stadion-Seen\r\nVary: Origin\r\n";
}

} // namespace stadion::net
