#include "frontend/registrations.hpp"

#include <gmock/gmock.h>

namespace stadion::frontend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(registrations, count_clients_exactly) {
    registrations all(10);
    auto a = all.add("asterix", "");
    auto b = all.add("obelix", "");
    EXPECT_EQ(all.clients(), 2u);
    a = wire::make_error(wire::status::unknown, "gone");
    EXPECT_EQ(all.clients(), 1u);
}

TEST(registrations, a_client_that_comes_again_is_counted_once_and_its_old_end_does_no_harm) {
    registrations all(10);
    auto old_one = std::move(*all.add("asterix", ""));
    auto new_one = std::move(*all.add("asterix", ""));
    EXPECT_EQ(all.clients(), 1u);
    old_one.reset();
    EXPECT_EQ(all.clients(), 1u);
    new_one.reset();
    EXPECT_EQ(all.clients(), 0u);
}

TEST(registrations, refuse_beyond_capacity_but_not_who_is_there) {
    registrations all(1);
    const auto held = all.add("asterix", "");
    const auto refused = all.add("obelix", "");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, wire::status::resource_exhausted);
    EXPECT_TRUE(all.add("asterix", ""));
}

TEST(registrations, refuse_names_that_are_none) {
    registrations all(1);
    EXPECT_EQ(all.add("", "").error().message, "client_id is empty");
}

TEST(registrations, tickets_are_repeated_until_they_were_reported) {
    registrations all(10);
    const auto a = all.add("a", "t1");
    const auto b = all.add("b", "t2");
    EXPECT_THAT(all.take_counts().redeemed, ElementsAre("t1", "t2"));
    all.reported({"t1"});
    EXPECT_THAT(all.take_counts().redeemed, ElementsAre("t2"));
    all.reported({"t2", "unknown"});
    EXPECT_THAT(all.take_counts().redeemed, IsEmpty());
    EXPECT_EQ(all.take_counts().clients, 2u);
}

} // namespace
} // namespace stadion::frontend
