// The server's side of HTTP/1.1 on one connection, without I/O: what arrived goes in, requests come out; what
// is to be sent is appended to `out`. net/session/http_session.hpp drives it.
//
// One request is taken at a time: after `request` nothing more may be received until it is answered, by
// `answer`, by a stream, or by a switch to another protocol. After `refused` nothing more may be received at
// all, because where the next request begins is not known.
//
// Threading: none; one owner. Bounds: `http_server_limits`; the bounds of http_head.hpp and http_body.hpp.
// Source: RFC 9110, RFC 9112.
#pragma once

#include "net/http/http_head.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace stadion::net {

struct http_server_limits {
    std::size_t body_bytes_max = 1 << 20;
    std::chrono::milliseconds keep_alive_max{75'000}; // of silence between two requests
    std::chrono::milliseconds request_within{60'000}; // from a request's first byte to its last
};

class http_server_protocol {
public:
    using clock = std::chrono::steady_clock;

    enum class step : std::uint8_t {
        incomplete, // the request has not all come
        request,    // `take_request` has it
        refused,    // answer `refusal`, then close
    };
    enum class timeout : std::uint8_t { none, close, refused };

    explicit http_server_protocol(http_server_limits limits = {}) : limits_(limits) {}

    step receive(std::string_view& bytes, std::string& out);
    http_request take_request();
    const wire::error& refusal() const noexcept { return *refusal_; }

    // Whether the beginning of a request waits for its rest. From then on it has `request_within`.
    void wait_for_rest(bool waits, clock::time_point now);
    // While no request is being answered.
    timeout check(clock::time_point now, clock::time_point last_read);

    // A head has come, and its body has not all come.
    bool is_in_request() const noexcept { return incoming_ != nullptr; }
    // The bytes of that body.
    std::size_t held() const noexcept { return incoming_ ? incoming_->head.request.body.size() : 0; }
    bool keeps_alive() const noexcept { return keep_alive_; }
    // The connection closes after the answer.
    void close_after_answer() noexcept { keep_alive_ = false; }
    // The origin of another site that may see the next answers (CORS); empty: none.
    void set_cross_origin(std::string_view origin) { cross_origin_ = origin; }
    bool is_cross_origin() const noexcept { return !cross_origin_.empty(); }

    // A body that others share is not copied: it is returned, and follows what was appended.
    std::shared_ptr<const std::string> answer(http_response response, std::string_view date,
                                              std::string& out) const;
    void begin_stream(std::string_view content_type, std::string_view date, std::string& out) const;
    void append_piece(std::string_view piece, std::string& out) const;
    void end_stream(std::string& out) const;
    static void append_switch(const http_headers& headers, std::string& out);

private:
    struct incoming {
        explicit incoming(request_head&& of) : head(std::move(of)) {}
        request_head head;
        bool continued = false; // 100 Continue was sent
    };

    step refuse(wire::error why);
    void append_cors_headers(std::string& out) const;

    const http_server_limits limits_;
    std::unique_ptr<incoming> incoming_;
    std::optional<clock::time_point> request_begun_; // when the first byte of the incomplete request came
    std::unique_ptr<wire::error> refusal_;
    std::string cross_origin_;
    bool is_head_request_ = false;
    bool keep_alive_ = true;
    bool chunked_ = true;
};

} // namespace stadion::net
