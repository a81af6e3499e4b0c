#include "wire/utf8.hpp"

#include <cstdint>

namespace stadion::wire {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

} // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
    const unsigned lead = byte_at(text, at);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length <= 1) return length;
    if (at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
    const unsigned second = byte_at(text, at + 1);
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool surrogate = lead == 0xed && second > 0x9f;
    const bool beyond = lead == 0xf4 && second > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

std::string_view clip_utf8(std::string_view text, std::size_t bytes_max) noexcept {
    if (text.size() <= bytes_max) return text;
    while (bytes_max != 0 && (byte_at(text, bytes_max) & 0xc0) == 0x80) --bytes_max;
    return text.substr(0, bytes_max);
}

bool is_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

bool has_control_characters(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const unsigned c = byte_at(text, at);
        if (c < 0x20 || c == 0x7f) return true;
        if (c == 0xc2 && at + 1 < text.size() && byte_at(text, at + 1) < 0xa0) return true;
    }
    return false;
}

} // namespace stadion::wire
