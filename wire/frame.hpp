// The frame codec: bytes to frames and back, without any I/O.
//
// A frame is a 20-byte big-endian header and a payload; wire/README.md draws it. Decoding is stateless and in
// place: the caller keeps the bytes, `decode` looks at their beginning and says how many belong to the first
// frame. Nothing is copied or allocated, so a claimed length costs nothing until its bytes have arrived.
#pragma once

#include "wire/status.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace stadion::wire {

enum class frame_kind : std::uint8_t {
    hello = 1,
    welcome = 2,
    request = 3,
    reply = 4,
    event = 5,
    cancel = 6,
    ping = 7,
    pong = 8,
    goaway = 9,
};

inline constexpr std::size_t frame_header_size = 20;
inline constexpr std::size_t frame_length_min = 16;            // what `length` counts besides the payload
inline constexpr std::size_t frame_length_max = 16'777'215;    // keeps the first byte of a frame 0x00
inline constexpr std::size_t frame_size_max_default = 1 << 20; // whole frame, in bytes
inline constexpr std::size_t frame_size_max = 16 << 20;        // of a reply or event; see payload_max
inline constexpr std::size_t frame_size_min_for_callers = 16 << 10; // a caller takes at least such frames
inline constexpr std::size_t ping_payload_max = 64;
inline constexpr std::uint8_t flag_metadata = 0x01;
inline constexpr std::uint8_t flags_must_understand = 0xf0;
inline constexpr std::uint8_t kind_skippable_from = 64;
inline constexpr std::uint32_t version_supported = 1;
inline constexpr std::uint64_t id_max = std::numeric_limits<std::uint64_t>::max();

// What one frame may carry. Whoever makes a frame from data whose size others decide compares with this
// first: beyond it there is no frame to write, and the writers below take it for a bug.
inline constexpr std::size_t payload_max = frame_size_max - frame_header_size;
inline constexpr std::size_t metadata_max = 65'535;
static_assert(payload_max + frame_length_min <= frame_length_max);

struct frame_header {
    frame_kind kind{};
    std::uint8_t flags = 0;
    std::uint16_t code = 0;   // method number, or status
    std::uint64_t id = 0;     // correlation, chosen by the caller
    std::uint32_t budget = 0; // REQUEST: ms the caller will still wait; REPLY: µs spent in the server
};

// A decoded frame. The views point into the bytes that were given to `decode`.
struct frame {
    frame_header header;
    std::string_view metadata; // encoded v1::Metadata, empty when there is none
    std::string_view body;
    std::string_view payload; // metadata, its length, and body, as they were sent: what a forwarder passes on
};

enum class decode_status : std::uint8_t {
    complete,   // `out` is a frame; `size` bytes belong to it
    skip,       // a kind that may be ignored; `size` bytes belong to it
    incomplete, // more bytes are needed: `size` in all, or 0 when not even the length is known
    violation,  // the connection must end with GOAWAY(code, message)
};

struct decode_result {
    decode_status status = decode_status::incomplete;
    std::size_t size = 0;
    wire::status code = wire::status::ok;
    std::string message = {};
};

// Looks at the first frame in `bytes`. Frames larger than `size_max` bytes are violations.
decode_result decode(std::string_view bytes, frame& out, std::size_t size_max = frame_size_max_default);

// Writes the header of a frame whose payload has `payload_size` bytes to `to`, which has room for 20 bytes.
void write_header(char* to, const frame_header& header, std::size_t payload_size) noexcept;

// Appends a whole frame without metadata.
void append_frame(std::string& out, const frame_header& header, std::string_view body);

// Appends a whole frame with metadata; sets the flag.
void append_frame(std::string& out, frame_header header, std::string_view metadata, std::string_view body);

// For a forwarder: rewrites what may change on the way. `header` is the first 20 bytes of a frame.
void rewrite_id_and_budget(char* header, std::uint64_t id, std::uint32_t budget) noexcept;

} // namespace stadion::wire
