// The server's side of the wire protocol on one connection, without I/O: what arrived and the time go in,
// what is to be done and what is to be sent come out.
//
// The problem: requests may come right behind HELLO, are answered in any order, are cancelled, and must all
// have their one answer before a connection that ends is closed. Whoever drives this machine reads bytes,
// runs requests and keeps one timer; all rules about frames, their order, identifiers and endings are here.
//
// How it is driven: `receive` takes one frame at a time off the bytes that arrived and says what it asks for.
// Whatever is to be sent is appended to `out`. A request that is not answered at once is `open` until
// `close`; `deadline` says when `on_deadline` wants to be called, and changes only in `receive`, `welcome`,
// `end`, `drain` and `on_deadline`.
//
// Threading: none; one owner. Bounds: `server_protocol_settings`. Errors: a caller that breaks the protocol
// gets GOAWAY, which says what was wrong, and nothing further is taken from it. Source: wire/README.md.
#pragma once

#include "wire/frame.hpp"
#include "wire/proto/handshake.pb.h"
#include "wire/result.hpp"

#include <chrono>
#include <optional>
#include <unordered_set>

namespace stadion::wire {

struct server_protocol_settings {
    std::size_t frame_size_max = frame_size_max_default;
    std::uint32_t in_flight_max = 1024; // requests that wait for their answers
    std::chrono::milliseconds hello_within{5'000};
    std::size_t hello_bytes_max = 4096;
    std::chrono::milliseconds ping_after{15'000}; // of silence
    std::chrono::milliseconds close_after{30'000};
    std::chrono::milliseconds finish_within{10'000}; // after the final GOAWAY
};

class server_protocol {
public:
    using clock = std::chrono::steady_clock;

    enum class step : std::uint8_t {
        incomplete, // the bytes that are left are no whole frame
        nothing,    // the frame asks for nothing more
        greet,      // `hello`: answer with `welcome` or `end`
        take_token, // `hello` shows its token late: `end` when it is not known
        run,        // `frame` is a request
        refuse,     // `frame` is a request that ends with `refusal`
        cancel,     // the open request `frame.header.id`
        ended,      // nothing further is taken
    };

    // What a frame asks for. The views point into the bytes that were given.
    struct incoming {
        wire::frame frame;
        std::optional<v1::Hello> hello;
        std::optional<error> refusal;
    };

    enum class ending : std::uint8_t { none, close, close_when_sent };

    // The settings outlive the machine.
    server_protocol(const server_protocol_settings& settings, clock::time_point now);

    step receive(std::string_view& bytes, incoming& what, std::string& out, clock::time_point now);

    // The answer to `greet`; what every server says the same is filled in here.
    void welcome(v1::Welcome answer, std::string& out, clock::time_point now);

    // Ends the conversation: the final GOAWAY, then the answers to what is open.
    void end(status code, std::string_view why, std::string& out, clock::time_point now);

    // The server stops: a warning, then a PING; its PONG proves that every request that was sent before the
    // warning was seen has arrived. Then the final GOAWAY. Says whether that is over already.
    ending drain(std::string& out);

    // RESOURCE_EXHAUSTED when as many as may be are open.
    result<void> open(std::uint64_t id);
    // An open request has been answered.
    ending close(std::uint64_t id);

    clock::time_point deadline() const noexcept { return deadline_; }
    // `last_read`: when bytes last came.
    ending on_deadline(clock::time_point now, clock::time_point last_read, std::string& out);

    bool has_greeted() const noexcept { return greeted_; }
    bool is_draining() const noexcept { return draining_; }
    bool is_ending() const noexcept { return ending_; }
    // After the final GOAWAY: whether all that was open is answered.
    ending when_ended() const noexcept {
        return ending_ && open_.empty() ? ending::close_when_sent : ending::none;
    }
    // What a frame to this caller may carry.
    std::size_t payload_max() const noexcept { return payload_max_; }

private:
    step on_frame(incoming& what, std::string& out, clock::time_point now);
    step on_hello(incoming& what, std::string& out, clock::time_point now);
    step on_late_token(incoming& what, std::string& out, clock::time_point now);
    step on_request(incoming& what);
    step on_pong(std::string& out, clock::time_point now);
    step violation(status code, std::string_view why, std::string& out, clock::time_point now) {
        end(code, why, out, now);
        return step::ended;
    }
    void append_goaway(std::uint64_t id, status code, std::string_view why, std::string& out) const;

    const server_protocol_settings& settings_;
    std::unordered_set<std::uint64_t> open_;
    std::uint64_t last_accepted_ = 0;
    clock::time_point deadline_;
    clock::time_point pinged_for_{}; // the silence, by its beginning, that a PING was sent for
    std::size_t payload_max_ = wire::payload_max;
    bool greeted_ = false;
    bool awaits_token_ = false; // the first HELLO asked for a proof: a second may show a token
    bool draining_ = false;     // the warning is sent
    bool ending_ = false;       // the final GOAWAY is sent
};

// The header of a REPLY; `microseconds` were spent in the server.
frame_header reply_header(status code, std::uint64_t id, std::uint64_t microseconds) noexcept;

// A REPLY with the method's response, in two parts.
void append_reply(std::string& out, std::uint64_t id, std::uint64_t microseconds, std::string_view body,
                  std::string_view tail = {});

} // namespace stadion::wire
