// The wire protocol on a server's connection: drives wire::server_protocol, runs the requests it takes and
// owns those that are answered later.
//
// Threading: the connection's worker. A request that its handler answers at once touches neither a map nor a
// timer; one that is deferred gets an entry in `pending_` and a deadline. Bounds: `session_limits`.
#pragma once

#include "net/session/server_context.hpp"
#include "wire/server_protocol.hpp"

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
    using incoming = wire::server_protocol::incoming;

    bool perform(wire::server_protocol::step step, incoming& what, clock::time_point& now);
    void greet(const v1::Hello& hello, clock::time_point now);
    bool take_token(const std::string& token, clock::time_point now);
    void on_request(const wire::frame& frame, clock::time_point& now);
    wire::result<const rpc_router::route*> admit(const wire::frame& frame) const;
    void cancel(std::uint64_t id);
    void end_streams();
    void on_deadline();
    void arm(clock::time_point now);
    void obey(wire::server_protocol::ending what);
    void send_error(std::uint64_t id, const wire::error& failure, clock::time_point since);
    void finish(std::uint64_t id);
    void count(wire::status code, std::uint64_t microseconds);
    server_metrics::slots& metrics() { return server_.metrics.of(link_.home().index()); }

    connection& link_;
    server_context& server_;
    wire::server_protocol protocol_;
    std::unordered_map<std::uint64_t, std::weak_ptr<deferred_call>> pending_;
    std::shared_ptr<request_watch> watch_;
    member_deadline<wire_session, &wire_session::on_deadline> deadline_{*this};
    role_set roles_ = anyone;
};

} // namespace stadion::net
