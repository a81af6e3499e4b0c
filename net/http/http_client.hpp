// HTTP/1.1 requests to servers of ours, over connections that are kept and used again.
//
// A request is answered by its head; the body is then taken whole or piece by piece, as fast as the caller
// takes it. A kept connection that the server has meanwhile closed is replaced by a fresh one without the
// caller's knowing, as long as nothing of an answer had come and the caller said that the request may be
// repeated.
//
// Threading: one worker, which outlives the client; answers may outlive the client. Bounds: `idle_max` kept
// connections per address, each for at most `idle_for`; heads, trailers and chunk extensions as for requests
// (http_head.hpp, http_body.hpp). Errors: an answer that is malformed is UNAVAILABLE, over HTTP 502.
#pragma once

#include "net/http/http_message.hpp"
#include "net/loop/runtime.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace stadion::net {

struct http_client_options {
    std::chrono::milliseconds connect_within{2'000};
    std::size_t idle_max = 64;
    std::chrono::milliseconds idle_for{20'000};
};

// The structures here have constructors because GCC 12 destroys aggregates in co_await expressions twice.
struct http_client_request {
    http_client_request() = default;

    std::string method = "GET";
    std::string target = "/";
    http_headers headers; // without Host and Content-Length
    std::string body;
    bool may_repeat = false; // doing it twice is doing it once
};

struct http_failure {
    http_failure() = default;
    http_failure(wire::error what, bool sent) : error(std::move(what)), was_sent(sent) {}

    wire::error error;
    bool was_sent = false; // the server may have seen the request
};

// One answer, its body still to be read. Destroyed before its end, it closes the connection.
class http_answer {
public:
    class transfer;
    explicit http_answer(std::unique_ptr<transfer> from);
    ~http_answer();
    http_answer(http_answer&&) noexcept;
    http_answer& operator=(http_answer&&) noexcept;

    unsigned status() const noexcept;
    const http_headers& headers() const noexcept; // names in lower case
    std::string_view header(std::string_view lower_case_name) const noexcept;
    // Its length is not known beforehand: it may go on for ever.
    bool is_stream() const noexcept;

    // The next piece; empty at the end. Waits at most `within`, or for ever when that is 0.
    awaitable<wire::result<std::string>> read_some(std::chrono::milliseconds within);
    // The whole body, or RESOURCE_EXHAUSTED when it is larger than `size_max`.
    awaitable<wire::result<std::string>> read_all(std::size_t size_max, std::chrono::milliseconds within);

    // After a 101: the connection, which speaks another protocol now, and what has already come in that one.
    struct switched {
        switched(tcp::socket over, std::string bytes) : socket(std::move(over)), early(std::move(bytes)) {}
        tcp::socket socket;
        std::string early;
    };
    switched take_connection();

    // Ends a read that is waiting.
    void cancel();

private:
    std::unique_ptr<transfer> transfer_;
};

class http_client {
public:
    http_client(worker& home, http_client_options options = {});
    ~http_client();

    // The answer's head, within `within`. The failure says whether it is safe to ask elsewhere.
    struct outcome {
        outcome() = default;

        std::unique_ptr<http_answer> answer; // or
        http_failure failure;
    };
    awaitable<outcome> ask(std::string address, http_client_request request,
                           std::chrono::milliseconds within);

    // For small exchanges: the whole answer.
    awaitable<wire::result<http_response>> ask_whole(std::string address, http_client_request request,
                                                     std::chrono::milliseconds within);

private:
    friend class http_answer::transfer;
    class pool;
    std::shared_ptr<pool> pool_;
    worker& home_;
    http_client_options options_;
};

} // namespace stadion::net
