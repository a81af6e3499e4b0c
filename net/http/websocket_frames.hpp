// The framing of WebSocket messages (RFC 6455, section 5) on the server side: bytes in, messages out. A value
// without I/O.
//
// Bounds: `message_bytes_max` for a message, whatever its fragments. Errors: a protocol violation by the
// client becomes a close event with the code of RFC 6455 (7.4.1).
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
    no_code = 1005, // never sent; stands for a Close frame without a code
    not_utf8 = 1007,
    too_large = 1009,
};

// A frame as servers send it, unmasked. Not `is_last`: further fragments of the message follow.
void append_websocket_frame(std::string& out, websocket_opcode opcode, std::string_view payload,
                            bool is_last = true);
void append_websocket_close(std::string& out, websocket_close code, std::string_view why);

class websocket_reader {
public:
    explicit websocket_reader(std::size_t message_bytes_max) : size_max_(message_bytes_max) {}

    struct event {
        websocket_opcode opcode = websocket_opcode::text; // text, binary, ping, pong or close
        std::string payload;                              // for a close, the reason
        websocket_close code = websocket_close::no_code;
        bool is_failure = false; // we close, because the client has violated the protocol
    };

    // Removes frames from the front of `bytes` up to the next event; nothing when there is none yet. A frame
    // that has not all come stays. Must not be called again after a close.
    std::optional<event> next(std::string_view& bytes);

private:
    struct frame;
    static event failed(websocket_close code, std::string why);
    std::optional<event> validate(const frame& one) const;
    event close_of(std::string payload) const;

    const std::size_t size_max_;
    std::string message_;                            // its fragments so far
    std::optional<websocket_opcode> message_opcode_; // of the message whose fragments are coming
};

} // namespace stadion::net
