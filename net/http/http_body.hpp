// Decodes the body of an HTTP/1.1 message, and finds where it ends (RFC 9112, sections 6 and 7). A value
// without I/O, for requests and for answers.
//
// Chunk extensions and trailers are skipped: nothing that follows a body becomes a header. Bounds: 256 bytes
// for a chunk's size line, 16 KiB of extensions and 8 KiB of trailers in one message, and `size_max` bytes of
// body. Errors: INVALID_ARGUMENT for a malformed body, RESOURCE_EXHAUSTED with the HTTP status for one that
// is too large. After an error nothing more may be read from that connection.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace stadion::net {

class http_body_reader {
public:
    static constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

    http_body_reader() = default; // of a message without a body
    static http_body_reader of_length(std::uint64_t size);
    static http_body_reader in_chunks();
    static http_body_reader until_close();

    void limit(std::uint64_t size_max) noexcept { size_max_ = size_max; }

    // Decodes a part at the front of `bytes`, appends at most `room` bytes to `body`, and returns how many
    // bytes it has consumed. The caller passes the rest again, followed by what arrives next.
    wire::result<std::size_t> take(std::string_view bytes, std::string& body, std::size_t room);

    bool is_done() const noexcept { return state_ == state::end; }
    // Whether the length is not known beforehand.
    bool is_open_ended() const noexcept { return framing_ != framing::length && framing_ != framing::none; }
    // Whether the body ends with the connection.
    bool ends_with_connection() const noexcept { return framing_ == framing::close; }

private:
    enum class framing : std::uint8_t { none, length, chunks, close };
    enum class state : std::uint8_t { size_line, data, data_end, trailers, end };

    wire::result<std::size_t> take_line(std::string_view bytes);
    wire::result<void> take_size(std::string_view line);
    wire::result<void> take_trailer(std::string_view line);
    std::size_t line_max() const noexcept;

    framing framing_ = framing::none;
    state state_ = state::end;
    std::uint64_t left_ = 0; // of the body, or of the current chunk
    std::uint64_t size_ = 0; // announced so far
    std::uint64_t size_max_ = unbounded;
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
};

} // namespace stadion::net
