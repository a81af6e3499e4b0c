#include "net/http/http_body.hpp"

#include "net/http/http_message.hpp"

#include <algorithm>
#include <charconv>

namespace stadion::net {
namespace {

constexpr std::size_t size_line_max = 256;
constexpr std::size_t extension_bytes_max = 16 * 1024;
constexpr std::size_t trailer_bytes_max = 8 * 1024;

wire::error broken(std::string what) {
    return wire::make_error(wire::status::invalid_argument, "the body is broken: " + std::move(what));
}

wire::error too_large(unsigned status, std::string what) {
    return http_error(status, wire::status::resource_exhausted, std::move(what));
}

bool has_control_characters(std::string_view line) {
    return std::any_of(line.begin(), line.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < ' ' && c != '\t') || byte == 0x7f;
    });
}

} // namespace

http_body_reader http_body_reader::of_length(std::uint64_t size) {
    http_body_reader reader;
    reader.framing_ = framing::length;
    reader.state_ = size == 0 ? state::end : state::data;
    reader.left_ = reader.size_ = size;
    return reader;
}

http_body_reader http_body_reader::in_chunks() {
    http_body_reader reader;
    reader.framing_ = framing::chunks;
    reader.state_ = state::size_line;
    return reader;
}

http_body_reader http_body_reader::until_close() {
    http_body_reader reader;
    reader.framing_ = framing::close;
    reader.state_ = state::data;
    reader.left_ = unbounded;
    return reader;
}

wire::result<std::size_t> http_body_reader::take(std::string_view bytes, std::string& body,
                                                 std::size_t room) {
    const auto size = bytes.size();
    if (size_ > size_max_)
        return too_large(413, "the body is larger than " + std::to_string(size_max_) + " bytes");
    while (!is_done()) {
        if (state_ != state::data) {
            const auto used = take_line(bytes);
            if (!used) return used.error();
            if (*used == 0) break;
            bytes.remove_prefix(*used);
            continue;
        }
        const auto taken = std::min<std::uint64_t>({bytes.size(), left_, room});
        if (taken == 0) break;
        // A claimed length alone reserves no memory. Once a quarter has come, the rest is likely to come too.
        if (framing_ == framing::length && body.size() + taken >= size_ / 4) body.reserve(size_);
        body.append(bytes.substr(0, taken));
        bytes.remove_prefix(taken);
        room -= taken;
        left_ -= taken;
        if (left_ == 0) state_ = framing_ == framing::chunks ? state::data_end : state::end;
    }
    return size - bytes.size();
}

std::size_t http_body_reader::line_max() const noexcept {
    if (state_ == state::size_line) return size_line_max;
    return state_ == state::trailers ? trailer_bytes_max - trailer_bytes_ : 0;
}

// The size of the line with its end; 0 while it has not all come.
wire::result<std::size_t> http_body_reader::take_line(std::string_view bytes) {
    const auto end = bytes.find("\r\n");
    const auto line = bytes.substr(0, end);
    // One byte more may be the \r of the line's end.
    if (line.size() > line_max() + (end == std::string_view::npos ? 1 : 0)) {
        if (state_ == state::trailers) return too_large(431, "the trailers are larger than 8 KiB");
        return broken(state_ == state::size_line ? "a chunk's size and extensions take more than 256 bytes"
                                                 : "a chunk is longer than it says");
    }
    if (end == std::string_view::npos) return std::size_t{0};
    wire::result<void> taken;
    if (has_control_characters(line)) {
        taken = broken("a control character stands in a chunk's size line or in a trailer");
    } else if (state_ == state::size_line) {
        taken = take_size(line);
    } else if (state_ == state::data_end) {
        state_ = state::size_line;
    } else {
        taken = take_trailer(line);
    }
    if (!taken) return taken.error();
    return end + 2;
}

wire::result<void> http_body_reader::take_size(std::string_view line) {
    constexpr std::size_t digits_max = 15; // so that sums do not overflow
    std::uint64_t size = 0;
    const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    const auto digits = static_cast<std::size_t>(end - line.data());
    if (failure != std::errc{} || digits > digits_max)
        return broken("a chunk's size is no hexadecimal number");
    const auto rest = line.substr(digits);
    const auto extension = rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.empty() && !extension.starts_with(';'))
        return broken("a chunk's size is no hexadecimal number");
    extension_bytes_ += rest.size();
    if (extension_bytes_ > extension_bytes_max)
        return broken("there are more than 16 KiB of chunk extensions");
    size_ += size;
    if (size_ > size_max_ || size_ < size)
        return too_large(413, "the body is larger than " + std::to_string(size_max_) + " bytes");
    left_ = size;
    state_ = size == 0 ? state::trailers : state::data;
    return {};
}

wire::result<void> http_body_reader::take_trailer(std::string_view line) {
    if (line.empty()) {
        state_ = state::end;
        return {};
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' || line.front() == '\t')
        return broken("a trailer is no `name: value`");
    trailer_bytes_ += line.size() + 2;
    if (trailer_bytes_ > trailer_bytes_max) return too_large(431, "the trailers are larger than 8 KiB");
    return {};
}

} // namespace stadion::net
