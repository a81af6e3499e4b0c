#include "wire/encoding.hpp"
#include "wire/proto/frontend.pb.h"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(encoding, varints_are_read_back_and_cut_ones_are_not) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{300}, UINT64_MAX}) {
        std::string text;
        append_varint(text, value);
        std::string_view in = text;
        std::uint64_t read = 1;
        ASSERT_TRUE(take_varint(in, read));
        EXPECT_EQ(read, value);
        EXPECT_TRUE(in.empty());
        in = std::string_view(text).substr(0, text.size() - 1);
        EXPECT_FALSE(take_varint(in, read));
    }
    std::string_view too_long = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    std::uint64_t read = 0;
    EXPECT_FALSE(take_varint(too_long, read));
}

TEST(encoding, a_message_put_together_is_what_protobuf_would_have_written) {
    v1::MedalTally tally;
    tally.set_team("gauls");
    tally.set_gold(3);
    std::string rank;
    append_field(rank, v1::MedalTally::kRankFieldNumber, 200);
    std::string body;
    append_field(body, v1::ListTeamsResponse::kTeamsFieldNumber, tally.SerializeAsString(), rank);
    append_field(body, v1::ListTeamsResponse::kNextPageTokenFieldNumber, "more");
    v1::ListTeamsResponse expected;
    *expected.add_teams() = tally;
    expected.mutable_teams(0)->set_rank(200);
    expected.set_next_page_token("more");
    EXPECT_EQ(body, expected.SerializeAsString());
}

} // namespace
} // namespace stadion::wire
