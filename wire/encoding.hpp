// The little of protobuf's encoding that is written here: varints, and messages put together from parts that
// are encoded already. Source: protobuf.dev, "Encoding".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace stadion::wire {

// LEB128: seven bits a byte, the lowest first.
inline void append_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

// Takes a varint off the front of `in`; false when there is none.
inline bool take_varint(std::string_view& in, std::uint64_t& value) {
    value = 0;
    for (std::size_t i = 0; i < in.size() && i < 10; ++i) {
        const auto byte = static_cast<unsigned char>(in[i]);
        if (i == 9 && byte > 1) return false;
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            in.remove_prefix(i + 1);
            return true;
        }
    }
    return false;
}

// A number as field `number` of a message.
inline void append_field(std::string& out, std::uint32_t number, std::uint64_t value) {
    append_varint(out, std::uint64_t{number} << 3);
    append_varint(out, value);
}

// A text or an encoded message, in one or two parts, as field `number` of a message.
inline void append_field(std::string& out, std::uint32_t number, std::string_view bytes,
                         std::string_view tail = {}) {
    append_varint(out, std::uint64_t{number} << 3 | 2);
    append_varint(out, bytes.size() + tail.size());
    out.append(bytes).append(tail);
}

} // namespace stadion::wire
