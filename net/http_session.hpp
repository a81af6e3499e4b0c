// HTTP/1.1 on one connection: parses with Beast, refuses what could smuggle a second request, answers in
// order.
//
// One request is handled at a time; what a client pipelines behind it waits in the connection. A handler
// answers its `http_exchange` at once or later, on the connection's worker, with one response or with a
// stream. Threading: the connection's worker.
#pragma once

#include "net/server_context.hpp"

#include <functional>

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

    void respond(http_response response);
    void fail(const wire::error& failure);

    // Begins a response whose body follows in pieces and ends with the connection.
    void begin_stream(std::string_view content_type);
    void write(std::string_view piece);
    void end_stream();
    bool is_congested() const noexcept { return link_->is_congested(); }

    // Takes the connection over, for WebSocket. Only while handling the request, before any answer.
    tcp::socket take_socket();

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
    class parser;

    struct idle_deadline : deadline {
        http_session* owner;
        explicit idle_deadline(http_session* of)
            : deadline([](deadline& entry) { static_cast<idle_deadline&>(entry).owner->on_idle(); }),
              owner(of) {}
    };

    void handle();
    void refuse(unsigned status, wire::status code, std::string detail);
    void send(http_response&& response, bool last);
    void begin_stream(std::string_view content_type);
    void write_chunk(std::string_view piece);
    void end_stream();
    void finish();
    void on_idle();

    connection& link_;
    server_context& server_;
    std::unique_ptr<parser> parser_;
    http_exchange* current_ = nullptr;
    idle_deadline idle_{this};
    bool head_ = false;
    bool keep_alive_ = true;
    bool chunked_ = true;
    bool streaming_ = false;
    bool resume_ = false;
};

} // namespace stadion::net
