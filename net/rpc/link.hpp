// A connection to a server of ours that is always there: multiplexes calls over one TCP connection,
// reconnects with jitter, fails over along a list of addresses.
//
// What a caller may rely on: every call ends exactly once, by its reply, its budget, or the loss of the
// connection. A call made while there is no connection waits for one within its budget (or fails at once, as
// the call asks). A call whose connection is lost after it was sent ends UNAVAILABLE with `outcome_unknown`;
// one that the server says it never ran (GOAWAY) ends UNAVAILABLE without, and is safe to send again. The
// budget a server sees is what is left of it when the request is sent.
//
// Threading: everything on the worker given. Bounds: `in_flight_max` calls, beyond which RESOURCE_EXHAUSTED;
// `waiting_max` calls of `waiting_bytes_max` in all while there is no connection, beyond which UNAVAILABLE. A
// request larger than the server takes (its Welcome says so) is refused here, before it is sent.
#pragma once

#include "net/rpc/link_requests.hpp"
#include "net/rpc/reconnection.hpp"
#include "net/rpc/rpc_router.hpp"
#include "net/tcp/connection.hpp"
#include "wire/client_protocol.hpp"

#include <functional>
#include <random>
#include <unordered_map>

namespace stadion::net {

struct link_options : wire::client_protocol_settings {
    // The token is the servers' own and is shown only to who has proved that it holds it too
    // (server_proof.hpp); a peer that cannot is no peer. Without a token this changes nothing.
    bool peer_proves_itself = false;
    std::chrono::milliseconds reconnect_first{20};
    std::chrono::milliseconds reconnect_max{1'000};
    std::size_t in_flight_max = 65'536;
    std::size_t waiting_max = 16'384; // calls that wait for a connection, and
    std::size_t waiting_bytes_max = 16 << 20;
};

struct call_options {
    // No aggregate: GCC 12 destroys aggregates in co_await expressions twice.
    call_options() = default;

    std::chrono::milliseconds budget{2'000};
    std::string idempotency_key;
    std::uint64_t seen_sequence = 0;
    std::uint64_t seen_board = 0;
    std::uint64_t epoch = 0; // refused by a server that knows a higher one; 0: says nothing
    bool wait_for_connection = true;
    std::uint64_t id = 0; // of a request that is repeated: none in flight may have it; 0: the link's next
};

class link : public std::enable_shared_from_this<link> {
public:
    struct reply {
        std::string_view body; // valid during the call of the handler
        std::uint32_t server_us = 0;
    };
    using reply_handler = std::function<void(wire::result<reply>)>;
    using event_handler = std::function<void(std::string_view body)>;
    using state_handler = std::function<void(bool ready)>;

    link(worker& home, link_options options);
    ~link();

    // Connects to the first address ("host:port") that answers and stays connected to one of them. May be
    // called again with another list; a connection to an address that is still in it stays.
    void connect(std::vector<std::string> addresses);
    void close();

    worker& home() noexcept { return home_; }
    bool is_ready() const noexcept { return state_ == state::ready; }
    const std::string& address() const noexcept { return reconnection_.current(); } // of the last attempt
    const v1::Welcome& welcome() const noexcept { return protocol_.welcome(); }
    const std::string& last_failure() const noexcept { return last_failure_; }

    // Hears of every change; to be set before `connect`.
    state_handler on_state;

    // Hears why there is no connection yet: of every attempt that fails, and of one that takes long. To be
    // set before `connect`.
    std::function<void(const std::string& address, const std::string& why)> on_failure;

    // Returns the call's id, for `cancel`.
    std::uint64_t call(std::uint16_t method, std::string_view body, const call_options& options,
                       reply_handler on_reply);
    // A streaming method. `on_end` is called once, when no further event comes.
    std::uint64_t stream(std::uint16_t method, std::string_view body, const call_options& options,
                         event_handler on_event, reply_handler on_end);
    void cancel(std::uint64_t id);

    // The next call's id; a client continues its numbering where its last server left off.
    std::uint64_t next_id() const noexcept { return next_id_; }
    void continue_from(std::uint64_t id) noexcept { next_id_ = std::max(next_id_, id); }

    awaitable<wire::result<std::string>> ask_encoded(std::uint16_t method, const std::string& body,
                                                     const call_options& options);

    template <message Response, message Request>
    awaitable<wire::result<Response>> ask(std::uint16_t method, Request request, call_options options = {}) {
        auto body = request.SerializeAsString();
        auto outcome = co_await ask_encoded(method, body, options);
        if (!outcome) co_return std::move(outcome).error();
        Response response;
        if (!response.ParseFromString(*outcome))
            co_return wire::make_error(wire::status::internal,
                                       "the answer is not a " + Response().GetTypeName());
        co_return response;
    }

private:
    class session;
    enum class state : std::uint8_t { idle, connecting, greeting, ready, leaving, closed };
    using clock = deadline_wheel::clock;

    struct expiry : deadline {
        link* owner;
        std::uint64_t id;
        expiry(link* of, std::uint64_t which)
            : deadline([](deadline& entry) {
                  auto& self = static_cast<expiry&>(entry);
                  self.owner->on_expired(self.id);
              }),
              owner(of),
              id(which) {}
    };
    struct pending {
        pending(link* of, std::uint64_t id) : expires(of, id) {}
        reply_handler on_reply;
        event_handler on_event;
        expiry expires;
        bool sent = false;
        std::uint64_t place = 0; // in waiting_, while it is not sent
    };
    std::uint64_t start(std::uint16_t method, std::string_view body, const call_options& options,
                        event_handler on_event, reply_handler on_reply);
    void finish(std::uint64_t id, wire::result<reply> outcome);
    void on_expired(std::uint64_t id);
    void fail_later(reply_handler on_reply, wire::error failure);

    void attempt();
    awaitable<void> dial(std::string address, std::uint64_t round);
    void on_connected(tcp::socket socket);
    bool on_ready();
    void on_failed(const std::string& why);
    void tell_failure(const std::string& why) const {
        if (on_failure) on_failure(address(), why);
    }
    void retry_later();
    void set_state(state next);
    bool perform(wire::client_protocol::step next, const wire::frame& frame);
    void on_leaving(const wire::frame& goaway);
    void on_lost();
    void send_waiting();
    void on_upkeep();
    void on_slow() { tell_failure("no answer yet"); }
    void send(const std::string& bytes);
    wire::error not_connected() const;

    worker& home_;
    link_options options_;
    state state_ = state::idle;
    reconnection reconnection_;
    wire::client_protocol protocol_;
    std::string last_failure_ = "not connected yet";
    std::uint64_t round_ = 0; // counts attempts, so that a late one is recognised
    std::shared_ptr<connection> connection_;
    std::uint64_t next_id_ = 1;
    std::unordered_map<std::uint64_t, pending> pending_;
    waiting_calls waiting_;
    member_deadline<link, &link::on_upkeep> upkeep_{*this};
    member_deadline<link, &link::on_slow> patience_{*this};
    asio::steady_timer retry_;
    std::mt19937 random_{std::random_device{}()};
};

} // namespace stadion::net
