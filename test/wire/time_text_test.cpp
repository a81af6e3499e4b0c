#include "wire/time_text.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(time_text, reads_unix_seconds_to_the_microsecond) {
    EXPECT_EQ(parse_time("0").value(), 0);
    EXPECT_EQ(parse_time("1782936900").value(), 1'782'936'900'000'000);
    EXPECT_EQ(parse_time("1782936900.25").value(), 1'782'936'900'250'000);
    EXPECT_EQ(parse_time("1782936900.000001").value(), 1'782'936'900'000'001);
    EXPECT_EQ(parse_time("1782936900.0000019").value(), 1'782'936'900'000'001);
}

TEST(time_text, reads_iso_8601_with_fractions_and_offsets) {
    EXPECT_EQ(parse_time("1970-01-01T00:00:00Z").value(), 0);
    EXPECT_EQ(parse_time("2026-07-01T20:15:00Z").value(), 1'782'936'900'000'000);
    EXPECT_EQ(parse_time("2026-07-01T20:15:00.25Z").value(), 1'782'936'900'250'000);
    EXPECT_EQ(parse_time("2026-07-01T22:15:00+02:00").value(), 1'782'936'900'000'000);
    EXPECT_EQ(parse_time("2026-07-01T16:45:00-0330").value(), 1'782'936'900'000'000);
}

TEST(time_text, refuses_what_is_no_time_and_shows_it) {
    for (const auto* text :
         {"", "now", "-1", "1.", "1e9", "12 ", "99999999999999", "2026-07-01", "2026-02-30T00:00:00Z",
          "2026-07-01T24:00:00Z", "2026-07-01T20:15:00", "2026-07-01T20:15:00+2"}) {
        const auto refused = parse_time(text);
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code, status::invalid_argument);
        EXPECT_NE(refused.error().message.find("'" + std::string(text) + "'"), std::string::npos);
    }
}

} // namespace
} // namespace stadion::wire
