// The server's side of the wire protocol on one connection: handshake, requests, streams, cancelling,
// silence, draining. See wire/README.md for the protocol itself.
//
// Threading: the connection's worker. A request that its handler answers at once touches neither a map nor a
// timer; one that is deferred gets an entry in `pending_` and a deadline. Bounds: `session_limits`.
#pragma once

#include "net/session/server_context.hpp"
#include "wire/frame.hpp"

#include <unordered_map>

namespace stadion::net {

class wire_session final : public connection::protocol {
public:
    wire_session(connection& link, server_context& server);
    ~wire_session() override;

    std::size_t on_bytes(std::string_view bytes) override;
    void on_drained() override;
    void on_closed() override;

    // Announces that the server stops, answers what was accepted, then closes.
    void drain() override;

private:
    class immediate_call;
    class deferred_call;
    friend class immediate_call;
    friend class deferred_call;
    using clock = deadline_wheel::clock;

    struct silence_deadline : deadline {
        wire_session* owner;
        explicit silence_deadline(wire_session* of)
            : deadline([](deadline& entry) { static_cast<silence_deadline&>(entry).owner->on_silence(); }),
              owner(of) {}
    };

    bool on_frame(const wire::frame& frame, clock::time_point& now);
    bool on_hello(const wire::frame& frame);
    bool on_second_hello(const wire::frame& frame);
    bool take_token(const std::string& token);
    void on_request(const wire::frame& frame, clock::time_point& now);
    void on_cancel(std::uint64_t id);
    void on_pong();
    void on_silence();
    void violation(wire::status code, std::string message);
    void send_goaway(std::uint64_t id, wire::status code, const std::string& message);
    void send_error(std::uint64_t id, const wire::error& failure, clock::time_point since);
    void send_ping();
    void finish(std::uint64_t id);
    void close_if_done();
    void count(wire::status code, std::uint64_t microseconds);
    server_metrics::slots& metrics() { return server_.metrics.of(link_.home().index()); }

    connection& link_;
    server_context& server_;
    std::unordered_map<std::uint64_t, std::weak_ptr<deferred_call>> pending_;
    std::shared_ptr<request_watch> watch_;
    std::uint64_t last_accepted_ = 0;
    silence_deadline silence_{this};
    clock::time_point started_;
    role_set roles_ = anyone;
    std::size_t payload_max_ = wire::payload_max; // of a frame to this caller
    bool greeted_ = false;
    bool awaits_token_ = false; // the first HELLO asked for our proof: a second may show a token
    bool pinged_ = false;
    bool ending_ = false;   // the final GOAWAY is sent: no request is run any more
    bool draining_ = false; // the first GOAWAY is sent
};

} // namespace stadion::net
