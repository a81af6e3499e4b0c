#include "tools/cat/frame_text.hpp"

#include "wire/hex.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace stadion::tools {
namespace {

constexpr std::size_t bytes_per_line = 16;

void append_hex_line(std::string& out, std::size_t offset, std::string_view bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%04zx ", offset);
    out += text;
    for (const char c : bytes) {
        std::snprintf(text, sizeof text, " %02x", static_cast<unsigned char>(c));
        out += text;
    }
    out.append(3 * (bytes_per_line - bytes.size()) + 2, ' ');
    for (const char c : bytes) out += c >= ' ' && c <= '~' ? c : '.';
    out += '\n';
}

std::string kind_name(wire::frame_kind kind) {
    switch (kind) {
    case wire::frame_kind::hello:
        return "HELLO";
    case wire::frame_kind::welcome:
        return "WELCOME";
    case wire::frame_kind::request:
        return "REQUEST";
    case wire::frame_kind::reply:
        return "REPLY";
    case wire::frame_kind::event:
        return "EVENT";
    case wire::frame_kind::cancel:
        return "CANCEL";
    case wire::frame_kind::ping:
        return "PING";
    case wire::frame_kind::pong:
        return "PONG";
    case wire::frame_kind::goaway:
        return "GOAWAY";
    }
    return "kind " + std::to_string(static_cast<int>(kind));
}

std::string method_name(std::uint16_t number, const wire::method_table& methods) {
    if (const auto* known = methods.find(number)) return known->full_name();
    char text[16];
    std::snprintf(text, sizeof text, "method 0x%04x", number);
    return text;
}

} // namespace

std::string hex_dump(std::string_view bytes, std::size_t bytes_max) {
    std::string out;
    const auto shown = bytes.substr(0, bytes_max);
    for (std::size_t offset = 0; offset < shown.size(); offset += bytes_per_line)
        append_hex_line(out, offset, shown.substr(offset, bytes_per_line));
    if (shown.size() < bytes.size())
        out += "      … " + std::to_string(bytes.size() - shown.size()) + " bytes more\n";
    return out;
}

std::string describe(const wire::frame_header& header, const wire::method_table& methods) {
    const auto id = " id " + std::to_string(header.id);
    auto text = kind_name(header.kind);
    switch (header.kind) {
    case wire::frame_kind::request:
        return text + " " + method_name(header.code, methods) + id + ", " + std::to_string(header.budget) +
               " ms";
    case wire::frame_kind::reply:
        return text + " " + std::string(wire::status_name(static_cast<wire::status>(header.code))) + id +
               ", " + std::to_string(header.budget) + " µs";
    case wire::frame_kind::goaway:
        return text + " " + std::string(wire::status_name(static_cast<wire::status>(header.code))) +
               (header.id == wire::id_max ? " (a warning)" : ", answers up to" + id);
    case wire::frame_kind::event:
    case wire::frame_kind::cancel:
        return text + id;
    default:
        return text;
    }
}

std::optional<std::string> parse_hex(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ' && c != '\t' && c != '\r')
            digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    return wire::from_hex(digits);
}

} // namespace stadion::tools
