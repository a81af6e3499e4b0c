// The caller's side of the wire protocol on one connection, without I/O: what arrived and the time go in,
// what it means and what is to be sent come out. The counterpart of server_protocol.hpp.
//
// How it is driven: `begin` says HELLO. `receive` takes one frame at a time off the bytes that arrived. After
// `ready` requests may be sent; which calls wait for which replies is the driver's matter. Whatever is to be
// sent is appended to `out`. `deadline` says when `on_deadline` wants to be called, and changes only in
// `begin`, `receive` when it answers `ready`, and `on_deadline`.
//
// Where the server must prove that it holds the servers' token before it is shown one, the first HELLO has a
// nonce and no token, and the token follows in a second one (interfaces of HELLO and WELCOME:
// wire/README.md). Nothing else is sent before. The nonce and the proof come from outside, because they need
// randomness and HMAC.
//
// Threading: none; one owner. Errors: a server that breaks the protocol ends the conversation with `broken`,
// and `why` says what was wrong.
#pragma once

#include "wire/frame.hpp"
#include "wire/proto/handshake.pb.h"
#include "wire/result.hpp"

#include <chrono>

namespace stadion::wire {

struct client_protocol_settings {
    std::string role = "server";
    std::string node;
    std::string token;
    std::chrono::milliseconds connect_within{3'000}; // until WELCOME
    std::chrono::milliseconds ping_after{5'000};     // of silence
    std::chrono::milliseconds close_after{10'000};
    std::size_t frame_size_max = wire::frame_size_max; // of what the server sends
};

// What a server must answer to be shown a token. Empty: it need not prove anything.
struct challenge {
    std::string nonce;
    std::string proof;
};

class client_protocol {
public:
    using clock = std::chrono::steady_clock;

    enum class step : std::uint8_t {
        incomplete, // the bytes that are left are no whole frame
        nothing,    // the frame asks for nothing more
        ready,      // WELCOME: requests may be sent
        reply,      // `frame` is the reply to `frame.header.id`
        event,      // `frame` is an event of `frame.header.id`
        leaving,    // requests after `frame.header.id` were not run, and no further one is; `why` says why
        broken,     // close the connection; `why` says why
    };

    // The settings outlive the machine.
    explicit client_protocol(const client_protocol_settings& settings) : settings_(settings) {}

    // A new connection.
    void begin(challenge asked, std::string& out, clock::time_point now);

    step receive(std::string_view& bytes, wire::frame& frame, std::string& out, clock::time_point now);

    // Appends a request whose size `check_request` has found good. A budget below 1 ms counts as 1.
    void request(std::uint64_t id, std::uint16_t method, std::string_view metadata, std::string_view body,
                 std::chrono::milliseconds budget, std::string& out) const;
    void cancel(std::uint64_t id, std::string& out) const;

    // RESOURCE_EXHAUSTED or INVALID_ARGUMENT unless a frame to the server, which `to` names, can carry them.
    // Before its WELCOME, which says what it takes, a frame of the largest size is assumed.
    result<void> check_request(std::string_view metadata, std::string_view body, std::string_view to) const;

    clock::time_point deadline() const noexcept { return deadline_; }
    // True: close the connection; `why` says why, where that is worth telling.
    bool on_deadline(clock::time_point now, clock::time_point last_read, std::string& out);

    const v1::Welcome& welcome() const noexcept { return welcome_; }
    const std::string& why() const noexcept { return why_; }

    // The error that a REPLY or GOAWAY carries. Where it does not say which server failed, it is this one.
    error error_of(const wire::frame& frame, status code) const;

    // The connection is gone.
    void lost() noexcept { greeted_ = false; }

private:
    step on_welcome(const wire::frame& frame, std::string& out, clock::time_point now);
    step on_goaway(const wire::frame& frame);
    step break_off(std::string why) {
        why_ = std::move(why);
        return step::broken;
    }
    void append_hello(std::string_view nonce, std::string_view token, std::string& out) const;

    const client_protocol_settings& settings_;
    v1::Welcome welcome_;
    std::string proof_awaited_; // empty: none
    std::string why_;
    clock::time_point deadline_;
    clock::time_point pinged_for_{}; // the silence, by its beginning, that a PING was sent for
    bool greeted_ = false;
};

} // namespace stadion::wire
