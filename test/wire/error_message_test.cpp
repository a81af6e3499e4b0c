#include "wire/error_message.hpp"

#include <gtest/gtest.h>

namespace stadion::wire {
namespace {

TEST(error_message, says_over_the_wire_all_that_an_error_says) {
    auto failure = make_error(status::unavailable, "the database server is away");
    failure.origin = "frontend-3";
    failure.retry_after = std::chrono::milliseconds(250);
    failure.outcome_unknown = true;
    failure.details["epoch"] = "7";
    const auto back = to_error(failure.code, to_message(failure));
    EXPECT_EQ(back.code, failure.code);
    EXPECT_EQ(back.message, failure.message);
    EXPECT_EQ(back.origin, failure.origin);
    EXPECT_EQ(back.retry_after, failure.retry_after);
    EXPECT_EQ(back.outcome_unknown, failure.outcome_unknown);
    EXPECT_EQ(back.details, failure.details);
}

} // namespace
} // namespace stadion::wire
