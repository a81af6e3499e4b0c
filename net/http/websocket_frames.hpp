// The framing of WebSocket messages (RFC 6455, section 5) on a server's side: bytes in, messages out. A value
// without I/O.
//
// Bounds: a message of `message_bytes_max`, whatever fragments it comes in. Errors: what a client may not
// send ends the conversation with the close code that RFC 6455 (7.4.1) has for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stadion::net {

enum class websocket_opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10,
};

enum class websocket_close : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported = 1003,
    no_code = 1005, // never sent: a Close frame without one
    not_utf8 = 1007,
    too_large = 1009,
};

// As servers send: unmasked; in one frame, unless more fragments follow.
void append_websocket_frame(std::string& out, websocket_opcode what, std::string_view payload,
                            bool is_last = true);
void append_websocket_close(std::string& out, websocket_close code, std::string_view why);

class websocket_reader {
public:
    explicit websocket_reader(std::size_t message_bytes_max) : size_max_(message_bytes_max) {}

    struct event {
        websocket_opcode what = websocket_opcode::text; // text, binary, ping, pong or close
        std::string payload;                            // of a close: the reason
        websocket_close code = websocket_close::no_code;
        bool is_failure = false; // a close that we begin, because of what the client sent
    };

    // Takes frames from the front of `bytes` until something has happened; nothing when it needs more. A
    // frame that is not all there stays. Not to be called again after a close.
    std::optional<event> next(std::string_view& bytes);

private:
    struct frame;
    static event failed(websocket_close code, std::string why);
    std::optional<event> judge(const frame& one) const;
    event close_of(std::string payload) const;

    const std::size_t size_max_;
    std::string message_;                   // the fragments so far
    std::optional<websocket_opcode> begun_; // of the message they belong to
};

} // namespace stadion::net
