#include "net/http/websocket_frames.hpp"

#include "wire/utf8.hpp"

#include <utility>

namespace stadion::net {
namespace {

constexpr std::size_t control_bytes_max = 125;

bool is_control(websocket_opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 8) != 0; }

bool is_known(websocket_opcode opcode) {
    return opcode <= websocket_opcode::binary ||
           (opcode >= websocket_opcode::close && opcode <= websocket_opcode::pong);
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 255);
}

// Whether a Close frame may carry the code (RFC 6455, 7.4).
bool is_close_code(std::uint64_t code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

} // namespace

void append_websocket_frame(std::string& out, websocket_opcode opcode, std::string_view payload,
                            bool is_last) {
    out += static_cast<char>((is_last ? 0x80 : 0) | static_cast<std::uint8_t>(opcode));
    if (payload.size() < 126) {
        out += static_cast<char>(payload.size());
    } else if (payload.size() <= 0xffff) {
        out += static_cast<char>(126);
        append_big_endian(out, payload.size(), 2);
    } else {
        out += static_cast<char>(127);
        append_big_endian(out, payload.size(), 8);
    }
    out += payload;
}

void append_websocket_close(std::string& out, websocket_close code, std::string_view why) {
    std::string payload;
    if (code != websocket_close::no_code) {
        append_big_endian(payload, static_cast<std::uint16_t>(code), 2);
        payload += why.substr(0, control_bytes_max - 2);
    }
    append_websocket_frame(out, websocket_opcode::close, payload);
}

// The head of a frame; its payload follows.
struct websocket_reader::frame {
    bool is_last = false;
    bool is_masked = false;
    std::uint8_t reserved = 0;
    websocket_opcode opcode = websocket_opcode::text;
    std::uint64_t size = 0;
    std::size_t head_size = 0;
    std::string_view mask;

    // False while the head has not all come.
    bool parse(std::string_view bytes) {
        if (bytes.size() < 2) return false;
        const auto first = static_cast<unsigned char>(bytes[0]),
                   second = static_cast<unsigned char>(bytes[1]);
        is_last = (first & 0x80) != 0;
        reserved = first & 0x70;
        opcode = static_cast<websocket_opcode>(first & 15);
        is_masked = (second & 0x80) != 0;
        size = second & 0x7f;
        const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
        head_size = 2 + more + (is_masked ? 4 : 0);
        if (bytes.size() < head_size) return false;
        if (more != 0) size = big_endian(bytes.substr(2, more));
        if (is_masked) mask = bytes.substr(head_size - 4, 4);
        return true;
    }

    void append_unmasked(std::string& to, std::string_view payload) const {
        const auto begin = to.size();
        to += payload;
        for (std::size_t i = 0; i < payload.size(); ++i)
            to[begin + i] = static_cast<char>(to[begin + i] ^ mask[i & 3]);
    }
};

websocket_reader::event websocket_reader::failed(websocket_close code, std::string why) {
    event one;
    one.opcode = websocket_opcode::close;
    one.payload = std::move(why);
    one.code = code;
    one.is_failure = true;
    return one;
}

// The close event for a frame that is invalid, decided before its payload has come.
std::optional<websocket_reader::event> websocket_reader::validate(const frame& one) const {
    const auto wrong = [](const char* why) { return failed(websocket_close::protocol_error, why); };
    if (one.reserved != 0) return wrong("a reserved bit is set");
    if (!is_known(one.opcode)) return wrong("there is no such kind of frame");
    if (!one.is_masked) return wrong("a client's frame is not masked");
    if (is_control(one.opcode)) {
        if (!one.is_last) return wrong("a control frame is in fragments");
        if (one.size > control_bytes_max) return wrong("a control frame is larger than 125 bytes");
        return std::nullopt;
    }
    if ((one.opcode == websocket_opcode::continuation) != message_opcode_.has_value())
        return wrong("fragments are out of order");
    if (one.size > size_max_ - message_.size())
        return failed(websocket_close::too_large,
                      "a message is larger than " + std::to_string(size_max_) + " bytes");
    return std::nullopt;
}

websocket_reader::event websocket_reader::close_of(std::string payload) const {
    event one;
    one.opcode = websocket_opcode::close;
    if (payload.empty()) return one;
    const auto code = payload.size() < 2 ? 0 : big_endian(std::string_view(payload).substr(0, 2));
    if (!is_close_code(code)) return failed(websocket_close::protocol_error, "there is no such close code");
    one.code = static_cast<websocket_close>(code);
    one.payload = payload.substr(2);
    if (!wire::is_utf8(one.payload)) return failed(websocket_close::not_utf8, "the reason is not UTF-8");
    return one;
}

std::optional<websocket_reader::event> websocket_reader::next(std::string_view& bytes) {
    for (;;) {
        frame one;
        if (!one.parse(bytes)) return std::nullopt;
        if (auto wrong = validate(one)) return wrong;
        if (bytes.size() - one.head_size < one.size) return std::nullopt;
        const auto payload = bytes.substr(one.head_size, one.size);
        bytes.remove_prefix(one.head_size + one.size);
        if (is_control(one.opcode)) {
            event seen;
            seen.opcode = one.opcode;
            one.append_unmasked(seen.payload, payload);
            return one.opcode == websocket_opcode::close ? close_of(std::move(seen.payload))
                                                         : std::move(seen);
        }
        if (!message_opcode_) message_opcode_ = one.opcode;
        one.append_unmasked(message_, payload);
        if (!one.is_last) continue;
        event whole;
        whole.opcode = *std::exchange(message_opcode_, std::nullopt);
        whole.payload = std::exchange(message_, {});
        if (whole.opcode == websocket_opcode::text && !wire::is_utf8(whole.payload))
            return failed(websocket_close::not_utf8, "a text message is not UTF-8");
        return whole;
    }
}

} // namespace stadion::net
