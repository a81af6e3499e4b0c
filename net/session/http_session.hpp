// HTTP/1.1 on a server's connection: drives http_server_protocol, admits the requests it takes and passes
// them to their handlers. Requests that could smuggle a second one are refused there, those that the page of
// another site made a browser send are refused here (origin_policy.hpp).
//
// One request is handled at a time, so answers are in order; requests that a client pipelines behind it wait
// in the connection. A handler answers its `http_exchange` at once or later, with one response or a stream.
//
// Threading: the connection's worker. Bounds: 1 MiB of a body, a minute for a request to arrive, 75 s for an
// idle connection.
#pragma once

#include "net/http/http_server_protocol.hpp"
#include "net/session/server_context.hpp"

#include <functional>

namespace stadion::net {

class http_session;

// The answer to one request. Destroying it without an answer answers 500.
class http_exchange : public std::enable_shared_from_this<http_exchange> {
public:
    http_exchange(http_session& session, std::shared_ptr<connection> link);
    ~http_exchange();

    worker& home() noexcept { return link_->home(); }
    connection& link() noexcept { return *link_; }
    bool is_open() const noexcept { return session_ != nullptr; }
    std::string node() const; // the name of this server in problem documents

    void respond(http_response response);
    void fail(const wire::error& failure);

    // Begins a response whose body is written in pieces. The connection closes after it.
    void begin_stream(std::string_view content_type);
    void write(std::string_view piece);
    void end_stream();
    bool is_congested() const noexcept { return link_->is_congested(); }

    // Answers 101 and hands the connection to another protocol, at once or later. `first` are bytes of that
    // protocol to send behind the 101. What the client has sent behind its request goes to the new protocol.
    void switch_to(http_headers headers, std::unique_ptr<connection::protocol> next,
                   std::string_view first = {});

    std::function<void()> on_abandoned; // the connection has closed
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

    void handle();
    const http_router::route* admit(http_request& request, http_exchange& exchange);
    http_response answer_preflight() const;
    http_response wrong_method(const http_request& request, const std::vector<http_method>& allowed) const;
    void refuse();
    void send(http_response&& response);
    void begin_stream(std::string_view content_type);
    void write_piece(std::string_view piece);
    void end_stream();
    void finish();
    void switch_to(const http_headers& headers, std::unique_ptr<connection::protocol> next,
                   std::string_view first);
    void on_idle();

    connection& link_;
    server_context& server_;
    http_server_protocol protocol_;
    http_exchange* current_ = nullptr;
    member_deadline<http_session, &http_session::on_idle> idle_{*this};
    bool streaming_ = false;
    bool resume_after_answer_ = false;
    bool switched_ = false; // the connection has switched to another protocol
};

} // namespace stadion::net
