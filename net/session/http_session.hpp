// HTTP/1.1 on one connection: refuses what could smuggle a second request (http_head.hpp, http_body.hpp) and
// whatever another site's page makes a browser send (origin_policy.hpp), answers in order.
//
// One request is handled at a time; what a client pipelines behind it waits in the connection. A handler
// answers its `http_exchange` at once or later, on the connection's worker, with one response or with a
// stream. Threading: the connection's worker.
#pragma once

#include "net/session/server_context.hpp"

#include <functional>
#include <optional>

namespace stadion::net {

class http_session;

// One request's answer. Dropping it without an answer answers 500.
class http_exchange : public std::enable_shared_from_this<http_exchange> {
public:
    http_exchange(http_session& session, std::shared_ptr<connection> link);
    ~http_exchange();

    worker& home() noexcept { return link_->home(); }
    connection& link() noexcept { return *link_; }
    bool is_open() const noexcept { return session_ != nullptr; }
    std::string node() const; // who answers, as problems name it

    void respond(http_response response);
    void fail(const wire::error& failure);

    // Begins a response whose body follows in pieces and ends with the connection.
    void begin_stream(std::string_view content_type);
    void write(std::string_view piece);
    void end_stream();
    bool is_congested() const noexcept { return link_->is_congested(); }

    // Answers 101 and gives the connection to another protocol, now or later. What was answered before is
    // sent first; what the client has sent behind its request comes to the new protocol, which itself has
    // begun with `first`.
    void switch_to(http_headers headers, std::unique_ptr<connection::protocol> next,
                   std::string_view first = {});

    std::function<void()> on_abandoned; // the connection is gone
    std::function<void()> on_drained;   // a congested stream may go on

private:
    friend class http_session;
    http_session* session_;
    std::shared_ptr<connection> link_;
    bool streaming_ = false;
};

class http_session final : public connection::protocol {
public:
    http_session(connection& link, server_context& server);
    ~http_session() override;

    std::size_t on_bytes(std::string_view bytes) override;
    void on_drained() override;
    void on_closed() override;

    void drain() override;

private:
    friend class http_exchange;
    struct incoming;

    struct idle_deadline : deadline {
        http_session* owner;
        explicit idle_deadline(http_session* of)
            : deadline([](deadline& entry) { static_cast<idle_deadline&>(entry).owner->on_idle(); }),
              owner(of) {}
    };

    bool take_head(std::string_view& bytes);
    bool take_body(std::string_view& bytes);
    void handle();
    const http_router::route* admit(http_request& request, http_exchange& exchange);
    http_response answer_preflight() const;
    http_response wrong_method(const http_request& request, const std::vector<http_method>& allowed) const;
    bool refuse(const wire::error& failure);
    void greet_guest(std::string& out) const;
    void send(http_response&& response, bool last);
    void begin_stream(std::string_view content_type);
    void write_chunk(std::string_view piece);
    void end_stream();
    void finish();
    void switch_to(const http_headers& headers, std::unique_ptr<connection::protocol> next,
                   std::string_view first);
    void on_idle();

    connection& link_;
    server_context& server_;
    std::unique_ptr<incoming> incoming_;
    http_exchange* current_ = nullptr;
    idle_deadline idle_{this};
    std::optional<deadline_wheel::clock::time_point>
        begun_;         // when the request that is not all there began to come
    std::string guest_; // see origin_policy
    bool head_ = false;
    bool keep_alive_ = true;
    bool chunked_ = true;
    bool streaming_ = false;
    bool resume_ = false;
    bool switched_ = false; // the connection has another protocol
};

} // namespace stadion::net
