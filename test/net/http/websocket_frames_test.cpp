#include "net/http/websocket_frames.hpp"

#include "net/http/websocket_handshake.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

// A frame as clients send it, masked.
std::string frame(unsigned first, std::string payload) {
    const std::string mask = "\x12\x34\x56\x78";
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    std::string out(1, static_cast<char>(first));
    const auto size = payload.size();
    if (size < 126) {
        out += static_cast<char>(0x80 | size);
    } else {
        out += static_cast<char>(0x80 | 127);
        for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 255);
    }
    return out + mask + payload;
}

std::vector<websocket_reader::event> read(std::string text, std::size_t at_once = SIZE_MAX,
                                          std::size_t max = 1000) {
    websocket_reader reader(max);
    std::vector<websocket_reader::event> events;
    std::string waiting;
    while (!text.empty()) {
        waiting += text.substr(0, at_once);
        text.erase(0, at_once);
        std::string_view bytes = waiting;
        while (auto one = reader.next(bytes)) {
            events.push_back(*one);
            if (one->opcode == websocket_opcode::close) return events;
        }
        waiting.erase(0, waiting.size() - bytes.size());
    }
    return events;
}

TEST(websocket_frames, messages_come_out_however_they_arrive) {
    const auto text = frame(0x81, "one") + frame(0x01, "t") + frame(0x89, "hi") + frame(0x00, "w") +
                      frame(0x80, "o") + frame(0x82, std::string(300, 'x')) +
                      frame(0x88, "\x03\xe8"
                                  "bye");
    for (std::size_t at_once : {1, 3, 100'000}) {
        const auto events = read(text, at_once);
        ASSERT_EQ(events.size(), 5u) << at_once;
        EXPECT_EQ(events[0].payload, "one");
        EXPECT_EQ(events[1].opcode, websocket_opcode::ping); // between two fragments
        EXPECT_EQ(events[2].payload, "two");
        EXPECT_EQ(events[2].opcode, websocket_opcode::text);
        EXPECT_EQ(events[3].opcode, websocket_opcode::binary);
        EXPECT_EQ(events[4].code, websocket_close::normal);
        EXPECT_EQ(events[4].payload, "bye");
        EXPECT_FALSE(events[4].is_failure);
    }
}

TEST(websocket_frames, what_no_client_may_send_ends_the_conversation_with_its_code) {
    auto unmasked = frame(0x81, "x");
    unmasked = std::string("\x81\x01x", 3);
    const struct {
        std::string bytes;
        websocket_close code;
    } table[]{
        {unmasked, websocket_close::protocol_error},
        {frame(0xc1, "x"), websocket_close::protocol_error}, // reserved bit
        {frame(0x83, "x"), websocket_close::protocol_error}, // unknown opcode
        {frame(0x8b, "x"), websocket_close::protocol_error},
        {frame(0x80, "x"), websocket_close::protocol_error}, // a continuation of no message
        {frame(0x01, "x") + frame(0x81, "x"), websocket_close::protocol_error},
        {frame(0x09, "x"), websocket_close::protocol_error}, // a ping in fragments
        {frame(0x89, std::string(126, 'x')), websocket_close::protocol_error},
        {frame(0x88, "\x03"), websocket_close::protocol_error},
        {frame(0x88, "\x03\xed"), websocket_close::protocol_error}, // 1005 is never sent
        {frame(0x88, "\x03\xe8\xff"), websocket_close::not_utf8},
        {frame(0x81, "\xff"), websocket_close::not_utf8},
        {frame(0x81, std::string(1001, 'x')), websocket_close::too_large},
        {frame(0x01, std::string(600, 'x')) + frame(0x80, std::string(600, 'x')), websocket_close::too_large},
        {std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                     "mask",
                     14),
         websocket_close::too_large},
    };
    for (const auto& row : table) {
        const auto events = read(row.bytes);
        ASSERT_FALSE(events.empty());
        EXPECT_TRUE(events.back().is_failure);
        EXPECT_EQ(events.back().code, row.code) << events.back().payload;
    }
}

TEST(websocket_frames, sizes_are_written_in_the_shortest_form) {
    for (const auto& [size, head] : {std::pair{125u, 2u}, {126u, 4u}, {65535u, 4u}, {65536u, 10u}}) {
        std::string out;
        append_websocket_frame(out, websocket_opcode::text, std::string(size, 'x'));
        EXPECT_EQ(out.size(), size + head);
    }
}

TEST(websocket_handshake, accepts_what_rfc_6455_shows_and_nothing_less) {
    http_request request;
    request.headers = {{"connection", "keep-alive, Upgrade"},
                       {"upgrade", "WebSocket"},
                       {"sec-websocket-version", "13"},
                       {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};
    const auto accepted = accept_websocket(request);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->back().second, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

    const auto status_without = [&](std::size_t field, const std::string& instead) {
        auto changed = request;
        changed.headers[field].second = instead;
        const auto outcome = accept_websocket(changed);
        return outcome ? 101u : refuse_websocket(outcome.error(), "").status;
    };
    EXPECT_EQ(status_without(0, "keep-alive"), 426u);
    EXPECT_EQ(status_without(1, "h2c"), 426u);
    EXPECT_EQ(status_without(2, "8"), 426u);
    EXPECT_EQ(status_without(3, "short"), 400u);
    auto with_body = request;
    with_body.body = "x";
    EXPECT_FALSE(accept_websocket(with_body));
    auto posted = request;
    posted.method = http_method::post;
    EXPECT_FALSE(accept_websocket(posted));
}

} // namespace
} // namespace stadion::net
