#include "wire/status.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace stadion::wire {
namespace {

struct expectation {
    std::uint16_t code;
    std::string_view name;
    unsigned http;
};

// Written from the specification, not from the implementation.
constexpr expectation expectations[] = {
    {0, "OK", 200},
    {1, "CANCELLED", 499},
    {2, "UNKNOWN", 500},
    {3, "INVALID_ARGUMENT", 400},
    {4, "DEADLINE_EXCEEDED", 504},
    {5, "NOT_FOUND", 404},
    {6, "ALREADY_EXISTS", 409},
    {7, "PERMISSION_DENIED", 403},
    {8, "RESOURCE_EXHAUSTED", 429},
    {9, "FAILED_PRECONDITION", 412},
    {10, "ABORTED", 409},
    // The specification gives 11 no HTTP status of its own; it is a kind of bad argument.
    {11, "OUT_OF_RANGE", 400},
    {12, "UNIMPLEMENTED", 501},
    {13, "INTERNAL", 500},
    {14, "UNAVAILABLE", 503},
    {15, "DATA_LOSS", 500},
    {16, "UNAUTHENTICATED", 401},
};

TEST(status, every_code_has_its_name_and_http_equivalent) {
    for (const auto& expected : expectations) {
        const auto code = static_cast<status>(expected.code);
        EXPECT_EQ(status_name(code), expected.name);
        EXPECT_EQ(http_status(code), expected.http) << expected.name;
        EXPECT_EQ(status_from_name(expected.name), code) << expected.name;
    }
}

TEST(status, a_number_beyond_the_table_reads_as_unknown) {
    for (const unsigned code : {17u, 100u, 0xffffu}) {
        EXPECT_EQ(status_name(static_cast<status>(code)), "UNKNOWN");
        EXPECT_EQ(http_status(static_cast<status>(code)), 500u);
    }
}

TEST(status, a_name_is_matched_whole_and_in_upper_case) {
    for (const auto name : {"", "not_found", "NOT_FOUN", "NOT_FOUND ", "17"})
        EXPECT_FALSE(status_from_name(name).has_value()) << name;
}

} // namespace
} // namespace stadion::wire
