#include "wire/printable.hpp"

#include "wire/utf8.hpp"

#include <cstdio>

namespace stadion::wire {
namespace {

std::uint32_t code_point(std::string_view sequence) {
    const auto byte = [&](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(sequence[at]));
    };
    if (sequence.size() == 1) return byte(0);
    std::uint32_t value = byte(0) & (0x7fU >> sequence.size());
    for (std::size_t i = 1; i < sequence.size(); ++i) value = value << 6 | (byte(i) & 0x3f);
    return value;
}

bool is_harmless(std::uint32_t point) {
    if (point < 0x20 || point == '\\' || (point >= 0x7f && point < 0xa0)) return false;
    const bool separates = point == 0x2028 || point == 0x2029;
    const bool directs = point == 0x061c || point == 0x200e || point == 0x200f ||
                         (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    return !separates && !directs && point != 0xfeff;
}

void append_escaped(std::string& out, std::uint32_t point) {
    char text[16];
    if (point == '\n')
        out += "\\n";
    else if (point == '\\')
        out += "\\\\";
    else if (point < 0x80)
        out.append(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "\\x%02x", point)));
    else
        out.append(text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "\\u{%x}", point)));
}

} // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string out;
    const auto shown = clip_utf8(text, bytes_max);
    for (std::size_t at = 0; at < shown.size();) {
        const auto length = utf8_length(shown, at);
        const auto sequence = shown.substr(at, length == 0 ? 1 : length);
        at += sequence.size();
        if (length == 0) {
            char escape[8];
            const auto byte = static_cast<unsigned>(static_cast<unsigned char>(sequence.front()));
            out.append(escape,
                       static_cast<std::size_t>(std::snprintf(escape, sizeof escape, "\\x%02x", byte)));
        } else if (const auto point = code_point(sequence); is_harmless(point)) {
            out += sequence;
        } else {
            append_escaped(out, point);
        }
    }
    if (shown.size() < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
    return out;
}

} // namespace stadion::wire
