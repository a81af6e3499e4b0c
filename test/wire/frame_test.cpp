#include "wire/frame.hpp"

#include "wire/proto/board.pb.h"
#include "wire/proto/handshake.pb.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::wire {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// "00 ff" to the bytes 0x00 0xff.
std::string bytes_of(std::string_view hex) {
    std::string out;
    std::optional<unsigned> high;
    for (const char c : hex) {
        if (c == ' ' || c == '\n') continue;
        const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (high) {
            out += static_cast<char>(*high << 4 | digit);
            high.reset();
        } else {
            high = digit;
        }
    }
    return out;
}

// The worked examples of the protocol's specification.
const std::string hello_bytes = bytes_of("00 00 00 24 01 00 00 00 00 00 00 00 00 00 00 00"
                                         "00 00 00 00 08 01 10 01 1a 06 63 6c 69 65 6e 74"
                                         "2a 06 6f 62 65 6c 69 78");
const std::string query_bytes = bytes_of("00 00 00 18 03 00 02 03 00 00 00 00 00 00 00 01"
                                         "00 00 07 d0 0a 06 68 6f 63 6b 65 79");
const std::string reply_bytes = bytes_of("00 00 00 26 04 00 00 05 00 00 00 00 00 00 00 01"
                                         "00 00 00 55 0a 14 6e 6f 20 73 75 63 68 20 67 61"
                                         "6d 65 3a 20 68 6f 63 6b 65 79");
const std::string increment_bytes = bytes_of("00 00 00 26 03 01 02 06 00 00 00 00 00 00 00 02"
                                             "00 00 07 d0 00 05 12 03 6b 2d 31 0a 05 67 61 75"
                                             "6c 73 12 04 67 6f 6c 64 18 01");
const std::vector<std::string> examples{hello_bytes, query_bytes, reply_bytes, increment_bytes};

frame decode_whole(std::string_view bytes) {
    frame out;
    const auto result = decode(bytes, out);
    EXPECT_EQ(result.status, decode_status::complete) << result.message;
    EXPECT_EQ(result.size, bytes.size());
    return out;
}

template <typename Message>
Message parsed(std::string_view bytes) {
    Message message;
    EXPECT_TRUE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    return message;
}

// A header and `payload`, with one field of choice changed by the caller.
std::string request_with(std::string_view payload, std::uint8_t flags = 0) {
    std::string bytes;
    append_frame(bytes, {frame_kind::request, flags, 0x0203, 7, 2000}, payload);
    return bytes;
}

void set_length(std::string& bytes, std::uint32_t length) {
    for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<char>(length >> (24 - 8 * i));
}

TEST(frame_examples, hello_encodes_to_the_specified_bytes) {
    v1::Hello hello;
    hello.set_version_min(1);
    hello.set_version_max(1);
    hello.set_role("client");
    hello.set_node("obelix");
    std::string bytes;
    append_frame(bytes, {frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
    EXPECT_EQ(bytes, hello_bytes);
}

TEST(frame_examples, hello_decodes) {
    const auto frame = decode_whole(hello_bytes);
    EXPECT_EQ(frame.header.kind, frame_kind::hello);
    EXPECT_EQ(frame.header.code, 0);
    EXPECT_EQ(frame.header.id, 0u);
    EXPECT_EQ(frame.header.budget, 0u);
    EXPECT_TRUE(frame.metadata.empty());
    EXPECT_EQ(parsed<v1::Hello>(frame.body).node(), "obelix");
}

TEST(frame_examples, query_encodes_to_the_specified_bytes) {
    v1::QueryScoreByGameRequest request;
    request.set_game("hockey");
    std::string bytes;
    append_frame(bytes, {frame_kind::request, 0, 0x0203, 1, 2000}, request.SerializeAsString());
    EXPECT_EQ(bytes, query_bytes);
}

TEST(frame_examples, query_decodes) {
    const auto frame = decode_whole(query_bytes);
    EXPECT_EQ(frame.header.kind, frame_kind::request);
    EXPECT_EQ(frame.header.code, 0x0203);
    EXPECT_EQ(frame.header.id, 1u);
    EXPECT_EQ(frame.header.budget, 2000u);
    EXPECT_EQ(parsed<v1::QueryScoreByGameRequest>(frame.body).game(), "hockey");
}

TEST(frame_examples, failed_reply_encodes_to_the_specified_bytes) {
    v1::Error error;
    error.set_message("no such game: hockey");
    std::string bytes;
    append_frame(bytes, {frame_kind::reply, 0, static_cast<std::uint16_t>(status::not_found), 1, 85},
                 error.SerializeAsString());
    EXPECT_EQ(bytes, reply_bytes);
}

TEST(frame_examples, failed_reply_decodes) {
    const auto frame = decode_whole(reply_bytes);
    EXPECT_EQ(frame.header.kind, frame_kind::reply);
    EXPECT_EQ(frame.header.code, static_cast<std::uint16_t>(status::not_found));
    EXPECT_EQ(frame.header.budget, 85u);
    EXPECT_EQ(parsed<v1::Error>(frame.body).message(), "no such game: hockey");
}

TEST(frame_examples, increment_with_idempotency_key_encodes_to_the_specified_bytes) {
    v1::Metadata metadata;
    metadata.set_idempotency_key("k-1");
    v1::IncrementMedalTallyRequest request;
    request.set_team("gauls");
    request.set_medal("gold");
    request.set_by(1);
    std::string bytes;
    append_frame(bytes, {frame_kind::request, 0, 0x0206, 2, 2000}, metadata.SerializeAsString(),
                 request.SerializeAsString());
    EXPECT_EQ(bytes, increment_bytes);
}

TEST(frame_examples, increment_with_idempotency_key_decodes) {
    const auto frame = decode_whole(increment_bytes);
    EXPECT_EQ(frame.header.flags, flag_metadata);
    EXPECT_EQ(parsed<v1::Metadata>(frame.metadata).idempotency_key(), "k-1");
    const auto request = parsed<v1::IncrementMedalTallyRequest>(frame.body);
    EXPECT_EQ(request.team(), "gauls");
    EXPECT_EQ(request.medal(), "gold");
    EXPECT_EQ(request.by(), 1);
    EXPECT_EQ(frame.payload, std::string_view(increment_bytes).substr(frame_header_size));
}

TEST(frame_decode, every_prefix_of_a_frame_asks_for_the_rest_and_touches_nothing) {
    for (const auto& example : examples) {
        for (std::size_t cut = 0; cut < example.size(); ++cut) {
            frame out;
            const auto result = decode(std::string_view(example).substr(0, cut), out);
            EXPECT_EQ(result.status, decode_status::incomplete) << "cut at " << cut;
            EXPECT_EQ(result.size, cut < 4 ? 0 : example.size()) << "cut at " << cut;
            EXPECT_EQ(out.header.kind, frame_kind{});
        }
    }
}

// The loop every session has: bytes arrive in two reads, split anywhere.
TEST(frame_decode, a_stream_split_anywhere_gives_the_same_frames) {
    std::string stream;
    for (const auto& example : examples) stream += example;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        std::vector<std::string> payloads;
        std::string buffer;
        for (const auto& part : {stream.substr(0, cut), stream.substr(cut)}) {
            buffer += part;
            for (;;) {
                frame out;
                const auto result = decode(buffer, out);
                if (result.status != decode_status::complete) break;
                payloads.emplace_back(out.payload);
                buffer.erase(0, result.size);
            }
        }
        EXPECT_TRUE(buffer.empty());
        ASSERT_EQ(payloads.size(), examples.size()) << "cut at " << cut;
        for (std::size_t i = 0; i < examples.size(); ++i)
            EXPECT_EQ(payloads[i], examples[i].substr(frame_header_size));
    }
}

TEST(frame_decode, takes_only_the_first_frame) {
    frame out;
    const auto two = query_bytes + reply_bytes;
    const auto result = decode(two, out);
    EXPECT_EQ(result.status, decode_status::complete);
    EXPECT_EQ(result.size, query_bytes.size());
    EXPECT_EQ(out.header.kind, frame_kind::request);
}

TEST(frame_decode, views_point_into_the_callers_bytes) {
    const auto frame = decode_whole(increment_bytes);
    EXPECT_EQ(frame.payload.data(), increment_bytes.data() + frame_header_size);
    EXPECT_EQ(frame.metadata.data(), increment_bytes.data() + frame_header_size + 2);
    EXPECT_EQ(frame.body.data(), increment_bytes.data() + frame_header_size + 2 + 5);
}

TEST(frame_decode, every_kind_is_known_skipped_or_refused) {
    for (unsigned kind = 0; kind < 256; ++kind) {
        auto bytes = request_with("x");
        bytes[4] = static_cast<char>(kind);
        frame out;
        const auto result = decode(bytes, out);
        if (kind >= 1 && kind <= 9) {
            EXPECT_EQ(result.status, decode_status::complete) << kind;
            EXPECT_EQ(static_cast<unsigned>(out.header.kind), kind);
        } else if (kind >= 64) {
            EXPECT_EQ(result.status, decode_status::skip) << kind;
            EXPECT_EQ(result.size, bytes.size());
        } else {
            EXPECT_EQ(result.status, decode_status::violation) << kind;
            EXPECT_EQ(result.code, status::invalid_argument);
            EXPECT_NE(result.message.find(std::to_string(kind)), std::string::npos) << result.message;
        }
    }
}

TEST(frame_decode, a_skipped_frame_is_waited_for_in_full) {
    auto bytes = request_with("some payload");
    bytes[4] = 64;
    for (std::size_t cut = 4; cut < bytes.size(); ++cut) {
        frame out;
        const auto result = decode(std::string_view(bytes).substr(0, cut), out);
        EXPECT_EQ(result.status, decode_status::incomplete);
        EXPECT_EQ(result.size, bytes.size());
    }
}

TEST(frame_decode, every_combination_of_flags) {
    for (unsigned flags = 0; flags < 256; ++flags) {
        auto bytes = request_with("\0\0body"sv); // reads as empty metadata where bit 0 is set
        bytes[5] = static_cast<char>(flags);
        frame out;
        const auto result = decode(bytes, out);
        if ((flags & flags_must_understand) != 0) {
            EXPECT_EQ(result.status, decode_status::violation) << flags;
            EXPECT_EQ(result.code, status::invalid_argument);
        } else {
            EXPECT_EQ(result.status, decode_status::complete) << flags;
            EXPECT_EQ(out.body, (flags & 1) != 0 ? "body"sv : "\0\0body"sv) << flags;
        }
    }
}

TEST(frame_decode, lengths_below_the_header_are_refused) {
    for (std::uint32_t length = 0; length < frame_length_min; ++length) {
        auto bytes = request_with("");
        set_length(bytes, length);
        frame out;
        const auto result = decode(bytes, out);
        EXPECT_EQ(result.status, decode_status::violation) << length;
        EXPECT_EQ(result.code, status::invalid_argument);
        EXPECT_NE(result.message.find(std::to_string(length)), std::string::npos) << result.message;
    }
}

TEST(frame_decode, lengths_that_need_the_first_byte_are_refused) {
    for (const std::uint32_t length : {16'777'216u, 16'777'217u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
        auto bytes = request_with("");
        set_length(bytes, length);
        frame out;
        const auto result = decode(bytes, out, std::size_t{1} << 40);
        EXPECT_EQ(result.status, decode_status::violation) << length;
        EXPECT_EQ(result.code, status::invalid_argument);
    }
}

TEST(frame_decode, the_smallest_frame_is_a_bare_header) {
    const auto bytes = request_with("");
    EXPECT_EQ(bytes.size(), frame_header_size);
    EXPECT_TRUE(decode_whole(bytes).payload.empty());
}

TEST(frame_decode, a_frame_at_the_limit_passes_and_one_byte_more_does_not) {
    constexpr std::size_t limit = 64;
    frame out;
    const auto largest = request_with(std::string(limit - frame_header_size, 'a'));
    EXPECT_EQ(decode(largest, out, limit).status, decode_status::complete);

    const auto larger = request_with(std::string(limit - frame_header_size + 1, 'a'));
    const auto result = decode(larger, out, limit);
    EXPECT_EQ(result.status, decode_status::violation);
    EXPECT_EQ(result.code, status::resource_exhausted);
}

TEST(frame_decode, the_default_limit_is_a_mebibyte) {
    frame out;
    EXPECT_EQ(decode(request_with(std::string((1 << 20) - frame_header_size, 'a')), out).status,
              decode_status::complete);
    EXPECT_EQ(decode(request_with(std::string((1 << 20) - frame_header_size + 1, 'a')), out).code,
              status::resource_exhausted);
}

TEST(frame_decode, the_largest_length_of_all_passes_where_the_limit_allows_it) {
    const auto bytes = request_with(std::string(frame_length_max - frame_length_min, 'a'));
    EXPECT_EQ(bytes[0], 0);
    frame out;
    EXPECT_EQ(decode(bytes, out, bytes.size()).status, decode_status::complete);
}

TEST(frame_decode, a_length_beyond_the_limit_is_refused_as_soon_as_it_is_known) {
    frame out;
    EXPECT_EQ(decode("\x00\x10\x00\x00"sv, out).code, status::resource_exhausted);
    EXPECT_EQ(decode("\x01\x00\x00\x00"sv, out).code, status::invalid_argument);
}

TEST(frame_decode, a_bad_header_is_refused_before_its_payload_arrives) {
    auto bytes = request_with(std::string(1000, 'a'));
    bytes[4] = 10;
    frame out;
    EXPECT_EQ(decode(std::string_view(bytes).substr(0, frame_header_size), out).status,
              decode_status::violation);
}

TEST(frame_decode, metadata_longer_than_the_payload_is_refused) {
    for (const auto payload : {""sv, "\0"sv, "\0\x01"sv,
                               "\0\x05"
                               "abcd"sv,
                               "\xff\xff"
                               "abcd"sv}) {
        frame out;
        const auto result = decode(request_with(payload, flag_metadata), out);
        EXPECT_EQ(result.status, decode_status::violation) << payload.size();
        EXPECT_EQ(result.code, status::invalid_argument);
    }
}

TEST(frame_decode, metadata_may_fill_the_payload) {
    const auto bytes = request_with("\0\x04"
                                    "abcd"sv,
                                    flag_metadata);
    const auto frame = decode_whole(bytes);
    EXPECT_EQ(frame.metadata, "abcd");
    EXPECT_TRUE(frame.body.empty());
}

TEST(frame_decode, extreme_header_values_survive_a_round_trip) {
    const frame_header header{frame_kind::goaway, 0x0e, 0xffff, id_max, 0xffff'ffff};
    std::string bytes;
    append_frame(bytes, header, "body");
    const auto frame = decode_whole(bytes);
    EXPECT_EQ(frame.header.flags, header.flags);
    EXPECT_EQ(frame.header.code, header.code);
    EXPECT_EQ(frame.header.id, header.id);
    EXPECT_EQ(frame.header.budget, header.budget);
}

TEST(frame_encode, appends_behind_what_is_there) {
    std::string bytes = query_bytes;
    append_frame(bytes, {frame_kind::ping, 0, 0, 0, 0}, "echo");
    ASSERT_EQ(bytes.substr(0, query_bytes.size()), query_bytes);
    const auto frame = decode_whole(std::string_view(bytes).substr(query_bytes.size()));
    EXPECT_EQ(frame.header.kind, frame_kind::ping);
    EXPECT_EQ(frame.body, "echo");
}

TEST(frame_encode, the_longest_metadata_fits) {
    const std::string metadata(0xffff, 'm');
    std::string bytes;
    append_frame(bytes, {frame_kind::request, 0, 1, 1, 1}, metadata, "body");
    const auto frame = decode_whole(bytes);
    EXPECT_EQ(frame.metadata, metadata);
    EXPECT_EQ(frame.body, "body");
}

TEST(frame_forward, rewriting_changes_id_and_budget_and_nothing_else) {
    auto bytes = increment_bytes;
    rewrite_id_and_budget(bytes.data(), 0x0102'0304'0506'0708, 0x090a'0b0c);
    EXPECT_EQ(bytes.substr(0, 8), increment_bytes.substr(0, 8));
    EXPECT_EQ(bytes.substr(8, 12), "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
    EXPECT_EQ(bytes.substr(20), increment_bytes.substr(20));
}

} // namespace
} // namespace stadion::wire
