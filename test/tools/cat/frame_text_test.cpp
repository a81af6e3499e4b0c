#include "tools/cat/frame_text.hpp"

#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

// The protocol's document shows this frame in exactly this layout.
TEST(frame_text, bytes_are_shown_as_in_the_document) {
    const auto bytes = parse_hex("00 00 00 24 01 00 00 00 00 00 00 00 00 00 00 00"
                                 "00 00 00 00 08 01 10 01 1a 06 63 6c 69 65 6e 74"
                                 "2a 06 6f 62 65 6c 69 78");
    ASSERT_TRUE(bytes);
    EXPECT_EQ(hex_dump(*bytes), "0000  00 00 00 24 01 00 00 00 00 00 00 00 00 00 00 00  ...$............\n"
                                "0010  00 00 00 00 08 01 10 01 1a 06 63 6c 69 65 6e 74  ..........client\n"
                                "0020  2a 06 6f 62 65 6c 69 78                          *.obelix\n");
}

TEST(frame_text, bytes_beyond_the_bound_are_counted) {
    EXPECT_EQ(hex_dump(std::string(20, 'a'), 2),
              "0000  61 61                                            aa\n      … 18 bytes more\n");
    EXPECT_EQ(hex_dump(""), "");
}

TEST(frame_text, a_frame_is_described_by_what_its_kind_needs) {
    const auto& names = wire::methods();
    EXPECT_EQ(describe({wire::frame_kind::request, 0, 0x0203, 7, 2000}, names),
              "REQUEST FrontEnd.QueryScoreByGame id 7, 2000 ms");
    EXPECT_EQ(describe({wire::frame_kind::request, 0, 0x7777, 7, 1}, names),
              "REQUEST method 0x7777 id 7, 1 ms");
    EXPECT_EQ(describe({wire::frame_kind::reply, 0, 5, 7, 85}, names), "REPLY NOT_FOUND id 7, 85 µs");
    EXPECT_EQ(describe({wire::frame_kind::goaway, 0, 14, wire::id_max, 0}, names),
              "GOAWAY UNAVAILABLE (a warning)");
    EXPECT_EQ(describe({wire::frame_kind::ping, 0, 0, 0, 0}, names), "PING");
}

TEST(frame_text, hexadecimal_is_pairs_of_digits) {
    EXPECT_EQ(parse_hex("00 0a fF"), std::string("\0\x0a\xff", 3));
    EXPECT_EQ(parse_hex("000aff"), std::string("\0\x0a\xff", 3));
    EXPECT_EQ(parse_hex(""), "");
    for (const auto* wrong : {"0", "0g", "zz", "+1", "00 0"}) EXPECT_FALSE(parse_hex(wrong)) << wrong;
}

} // namespace
} // namespace stadion::tools
