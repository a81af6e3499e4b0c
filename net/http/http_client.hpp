// An HTTP/1.1 client for servers of ours, over connections that are kept and reused.
//
// `ask` returns the head of the answer; its body is then read as a whole or in pieces, as fast as the caller
// reads. When the server has meanwhile closed a kept connection, the request is repeated on a new one,
// provided that no byte of an answer had come and the caller has set `may_repeat`.
//
// Threading: one worker, which outlives the client; answers may outlive the client. Bounds: `idle_max` kept
// connections per address, each kept for at most `idle_for`; heads, trailers and chunk extensions as for
// requests (http_head.hpp, http_body.hpp). Errors: a malformed answer is UNAVAILABLE, as HTTP status 502.
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
    bool may_repeat = false; // it is idempotent
};

struct http_failure {
    http_failure() = default;
    http_failure(wire::error what, bool sent) : error(std::move(what)), was_sent(sent) {}

    wire::error error;
    bool was_sent = false; // the server may have seen the request
};

// One answer, whose body is still to be read. Destroying it before the end of the body closes the connection.
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
    // Whether the length of the body is not known beforehand; it may never end.
    bool is_stream() const noexcept;

    // The next piece; empty at the end. Waits at most `within`, or without limit when that is 0.
    awaitable<wire::result<std::string>> read_some(std::chrono::milliseconds within);
    // The whole body, or RESOURCE_EXHAUSTED when it is larger than `size_max`.
    awaitable<wire::result<std::string>> read_all(std::size_t size_max, std::chrono::milliseconds within);

    // After a 101: the connection, and the bytes of the new protocol that have already come.
    struct switched {
        switched(tcp::socket over, std::string bytes) : socket(std::move(over)), early(std::move(bytes)) {}
        tcp::socket socket;
        std::string early;
    };
    switched take_connection();

    // Ends a pending read.
    void cancel();

private:
    std::unique_ptr<transfer> transfer_;
};

class http_client {
public:
    http_client(worker& home, http_client_options options = {});
    ~http_client();

    // The head of the answer, or the failure, which says whether the server may have seen the request.
    struct outcome {
        outcome() = default;

        std::unique_ptr<http_answer> answer; // or
        http_failure failure;
    };
    awaitable<outcome> ask(std::string address, http_client_request request,
                           std::chrono::milliseconds within);

    // The whole answer, of at most 8 MiB.
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
