#include "tools/bench/bench_traffic.hpp"

#include "wire/proto/frontend.pb.h"
#include "wire/proto/handshake.pb.h"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

std::string body_with_stamp() {
    v1::UpdateScoreByGameRequest request;
    request.set_game("hockey");
    (*request.mutable_points())["bench"] = static_cast<std::int32_t>(stamp_of(0));
    return request.SerializeAsString();
}

wire::frame decoded(const std::string& bytes) {
    wire::frame frame;
    EXPECT_EQ(wire::decode(bytes, frame).status, wire::decode_status::complete);
    return frame;
}

TEST(bench_traffic, requests_differ_in_id_key_and_stamp_alone) {
    const wire_traffic traffic({0x0205,
                                {body_with_stamp()},
                                true,
                                std::string("\x0a\x05"
                                            "bench"
                                            "\x10",
                                            8),
                                ""});
    std::string first, second;
    traffic.request(first, 1, 0);
    traffic.request(second, 2, 7);
    ASSERT_EQ(first.size(), second.size());
    const auto one = decoded(first);
    const auto other = decoded(second);
    EXPECT_EQ(one.header.id, 1u);
    EXPECT_EQ(other.header.id, 2u);
    EXPECT_EQ(one.header.code, 0x0205);
    v1::Metadata key, other_key;
    ASSERT_TRUE(key.ParseFromString(std::string(one.metadata)));
    ASSERT_TRUE(other_key.ParseFromString(std::string(other.metadata)));
    EXPECT_NE(key.idempotency_key(), other_key.idempotency_key());
    v1::UpdateScoreByGameRequest request;
    ASSERT_TRUE(request.ParseFromString(std::string(other.body)));
    EXPECT_EQ(request.game(), "hockey");
    EXPECT_GE(request.points().at("bench"), 1 << 28);
}

TEST(bench_traffic, keys_of_two_runs_never_meet) {
    const wire_traffic one({0x0205, {body_with_stamp()}, true, {}, ""});
    const wire_traffic other({0x0205, {body_with_stamp()}, true, {}, ""});
    std::string first, second;
    one.request(first, 1, 0);
    other.request(second, 1, 0);
    EXPECT_NE(decoded(first).metadata, decoded(second).metadata);
}

TEST(bench_traffic, replies_count_and_failures_are_seen) {
    const wire_traffic traffic({0x0203, {"x"}, false, {}, ""});
    std::string bytes;
    wire::append_frame(bytes, {wire::frame_kind::welcome, 0, 0, 0, 0}, "w");
    const auto welcome = traffic.look_at(bytes);
    EXPECT_EQ(welcome.size, bytes.size());
    EXPECT_FALSE(welcome.counts);
    bytes.clear();
    wire::append_frame(bytes, {wire::frame_kind::reply, 0, 5, 77, 0}, "body");
    const auto reply = traffic.look_at(bytes);
    EXPECT_TRUE(reply.counts);
    EXPECT_TRUE(reply.failed);
    EXPECT_EQ(reply.id, 77u);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(traffic.look_at(bytes.substr(0, size)).size, 0u);
}

TEST(bench_traffic, an_echo_frame_has_the_size_asked_for) {
    std::string bytes;
    echo_traffic(123).request(bytes, 9, 0);
    EXPECT_EQ(bytes.size(), 123u);
    EXPECT_EQ(echo_traffic(123).look_at(bytes).id, 9u);
}

TEST(bench_traffic, http_answers_end_where_their_length_says) {
    const http_traffic traffic("h", "/p", "");
    const std::string answer = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello";
    EXPECT_EQ(traffic.look_at(answer + "HTTP").size, answer.size());
    EXPECT_FALSE(traffic.look_at(answer).failed);
    EXPECT_EQ(traffic.look_at(answer.substr(0, answer.size() - 1)).size, 0u);
    EXPECT_TRUE(traffic.look_at("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").failed);
}

TEST(bench_traffic, stamps_are_five_bytes_and_wrap) {
    for (const std::uint64_t at :
         {std::uint64_t{0}, std::uint64_t{1} << 20, (std::uint64_t{1} << 30) - 1, std::uint64_t{1} << 40}) {
        char bytes[stamp_size];
        write_stamp(bytes, stamp_of(at));
        EXPECT_EQ(read_stamp(bytes), stamp_of(at));
        EXPECT_LT(bytes[3], 0);
        EXPECT_GT(bytes[4], 0);
        EXPECT_EQ(between(stamp_of(at), stamp_of(at + 1500)), 1500u);
    }
}

} // namespace
} // namespace stadion::tools
