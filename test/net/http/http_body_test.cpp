#include "net/http/http_body.hpp"

#include <gtest/gtest.h>

namespace stadion::net {
namespace {

constexpr std::size_t plenty = 1 << 20;

struct outcome {
    std::string body;
    bool is_done = false;
    std::string rest;
    std::string failure;
    std::string http_status;
};

// Passes the bytes in pieces of `at_once`, like a connection: what is not consumed is passed again.
outcome read(http_body_reader reader, std::string_view text, std::size_t at_once = SIZE_MAX) {
    outcome result;
    std::string waiting;
    while (!reader.is_done()) {
        const auto fresh = text.substr(0, at_once);
        waiting += fresh;
        text.remove_prefix(fresh.size());
        const auto used = reader.take(waiting, result.body, plenty);
        if (!used) {
            result.failure = used.error().message;
            const auto exact = used.error().details.find("http_status");
            if (exact != used.error().details.end()) result.http_status = exact->second;
            return result;
        }
        waiting.erase(0, *used);
        if (fresh.empty()) break;
    }
    result.is_done = reader.is_done();
    result.rest = waiting + std::string(text);
    return result;
}

std::string chunks_and(const std::string& trailers) { return "3\r\nabc\r\n0\r\n" + trailers + "\r\n"; }

TEST(http_body, what_follows_it_is_left_however_it_arrives) {
    for (std::size_t at_once : {1, 2, 3, 1000}) {
        for (const auto& [reader, text] :
             {std::pair{http_body_reader::of_length(5), std::string("hello")},
              std::pair{http_body_reader::in_chunks(),
                        std::string("2\r\nhe\r\n003;a=\"b c\"\r\nllo\r\n0\r\nX: y\r\n\r\n")}}) {
            const auto result = read(reader, text + "GET", at_once);
            EXPECT_EQ(result.body, "hello") << at_once;
            EXPECT_TRUE(result.is_done) << at_once << result.failure;
            EXPECT_EQ(result.rest, "GET") << at_once;
        }
    }
    EXPECT_TRUE(read(http_body_reader(), "GET").is_done);
    EXPECT_EQ(read(http_body_reader::until_close(), "all of it").body, "all of it");
}

TEST(http_body, a_body_is_taken_as_far_as_there_is_room) {
    auto reader = http_body_reader::in_chunks();
    std::string body;
    EXPECT_EQ(*reader.take("5\r\nhello\r\n0\r\n\r\n", body, 3), 6u);
    EXPECT_EQ(body, "hel");
    EXPECT_FALSE(reader.is_done());
}

TEST(http_body, trailers_are_read_over_and_bounded) {
    EXPECT_TRUE(read(http_body_reader::in_chunks(), chunks_and("If-Match: \"1\"\r\n")).is_done);
    for (const auto& large : {"A: " + std::string(9000, 'x') + "\r\n", std::string(70'000, 'x')}) {
        for (std::size_t at_once : {100, 100'000}) {
            const auto result = read(http_body_reader::in_chunks(), chunks_and(large), at_once);
            EXPECT_EQ(result.failure, "the trailers are larger than 8 KiB");
            EXPECT_EQ(result.http_status, "431");
        }
    }
    std::string many;
    for (int i = 0; i < 3000; ++i) many += "A: b\r\n";
    EXPECT_EQ(read(http_body_reader::in_chunks(), chunks_and(many)).http_status, "431");
}

TEST(http_body, chunk_extensions_are_bounded) {
    EXPECT_NE(
        read(http_body_reader::in_chunks(), "3;" + std::string(300, 'x') + "\r\nabc\r\n0\r\n\r\n").failure,
        "");
    EXPECT_NE(read(http_body_reader::in_chunks(), "3;" + std::string(300, 'x')).failure, "");
    std::string many;
    for (int i = 0; i < 100; ++i) many += "1;" + std::string(200, 'x') + "\r\na\r\n";
    EXPECT_NE(read(http_body_reader::in_chunks(), many + "0\r\n\r\n").failure.find("extensions"),
              std::string::npos);
}

TEST(http_body, what_is_no_chunk_is_refused) {
    for (const std::string bad :
         {"x\r\n", "\r\n", "-1\r\na", "+3\r\nabc\r\n", "0x3\r\nabc\r\n", "3 3\r\nabc\r\n",
          "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "1000000000000000\r\n", "ffffffffffffffffff\r\n",
          "3;\x01\r\nabc\r\n", "0\r\nno colon\r\n\r\n", "0\r\n folded: 1\r\n\r\n", "0\r\n: no name\r\n\r\n",
          "0\r\nA: b\nB: c\r\n\r\n"})
        EXPECT_NE(read(http_body_reader::in_chunks(), bad).failure, "") << bad;
}

TEST(http_body, a_body_that_announces_too_much_is_refused_before_it_comes) {
    auto length = http_body_reader::of_length(11);
    length.limit(10);
    EXPECT_EQ(read(length, "").http_status, "413");
    auto chunks = http_body_reader::in_chunks();
    chunks.limit(10);
    EXPECT_EQ(read(chunks, "6\r\nabcdef\r\n5\r\n").http_status, "413");
    EXPECT_EQ(read(chunks, "fffffffffffffff\r\n").http_status, "413");
}

} // namespace
} // namespace stadion::net
