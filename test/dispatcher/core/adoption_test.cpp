#include "dispatcher/core/adoption.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stadion::dispatcher {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const child_record database{"dbserver", "127.0.0.1:7500", 10, 1};
const child_record first{"frontend", "127.0.0.1:7401", 11, 1};
const child_record second{"frontend", "127.0.0.1:7402", 12, 1};
const child_record third{"frontend", "127.0.0.1:7403", 13, 1};
const child_record fourth{"frontend", "127.0.0.1:7404", 14, 1};

child_record to_start(const child_record& like) { return {like.kind, like.address, 0, 0}; }

auto all_live = [](const child_record&) { return true; };
auto none_live = [](const child_record&) { return false; };
auto all_but(std::uint32_t pid) {
    return [pid](const child_record& child) { return child.pid != pid; };
}

TEST(Adoption, StartsEverythingTheFirstTime) {
    const auto plan = *plan_adoption({}, {}, none_live);
    EXPECT_THAT(plan.adopt, IsEmpty());
    EXPECT_THAT(plan.start,
                ElementsAre(to_start(database), to_start(first), to_start(second), to_start(third)));
}

TEST(Adoption, StartsNoTwinOfALivingChild) {
    const auto plan = *plan_adoption({database, first, second, third}, {}, all_live);
    EXPECT_THAT(plan.adopt, ElementsAre(database, first, second, third));
    EXPECT_THAT(plan.start, IsEmpty());
}

TEST(Adoption, StartsTheDeadAgainWhereTheyWere) {
    const auto plan = *plan_adoption({database, first, second, third}, {}, all_but(12));
    EXPECT_THAT(plan.adopt, ElementsAre(database, first, third));
    EXPECT_THAT(plan.start, ElementsAre(to_start(second)));
    EXPECT_THAT(plan_adoption({database, first, second, third}, {}, all_but(10))->start,
                ElementsAre(to_start(database)));
    EXPECT_THAT(plan_adoption({database, first}, {}, none_live)->start,
                ElementsAre(to_start(database), to_start(first), to_start(second), to_start(third)));
}

TEST(Adoption, PassesOverPortsThatOtherProgramsHold) {
    wanted_children wanted;
    wanted.is_free = [](const std::string& address) { return address != second.address; };
    EXPECT_THAT(plan_adoption({}, wanted, none_live)->start,
                ElementsAre(to_start(database), to_start(first), to_start(third), to_start(fourth)));
}

TEST(Adoption, StartsNothingWhenAnotherProgramHoldsTheDatabaseServersPort) {
    wanted_children wanted;
    wanted.is_free = [](const std::string& address) { return address != database.address; };
    const auto plan = plan_adoption({}, wanted, none_live);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, wire::status::failed_precondition);
    EXPECT_THAT(plan.error().message, testing::HasSubstr("127.0.0.1:7500"));
    EXPECT_THAT(plan.error().message, testing::HasSubstr("--db-port"));
    // One that lives already is no other program.
    EXPECT_TRUE(plan_adoption({database}, wanted, all_live));
}

TEST(Adoption, AdoptsMoreThanAreWantedForTheyHaveClients) {
    const auto plan = *plan_adoption({database, first, second, third, fourth}, {}, all_live);
    EXPECT_EQ(plan.adopt.size(), 5u);
    EXPECT_THAT(plan.start, IsEmpty());
}

TEST(Adoption, LeavesADatabaseServerElsewhereAlone) {
    wanted_children wanted;
    wanted.database = false;
    wanted.front_ends = 1;
    EXPECT_THAT(plan_adoption({}, wanted, none_live)->start, ElementsAre(to_start(first)));
}

TEST(Adoption, PortZeroTakesAnyFreePort) {
    wanted_children wanted;
    wanted.front_end_port = 0;
    wanted.front_ends = 2;
    const child_record anywhere{"frontend", "127.0.0.1:0", 0, 0};
    EXPECT_THAT(plan_adoption({database}, wanted, all_live)->start, ElementsAre(anywhere, anywhere));
}

TEST(Adoption, PortsEndWherePortsEnd) {
    wanted_children wanted;
    wanted.front_end_port = 65535;
    EXPECT_EQ(free_front_end_address({}, wanted), "127.0.0.1:65535");
    EXPECT_EQ(free_front_end_address({{"frontend", "127.0.0.1:65535", 1, 1}}, wanted), "127.0.0.1:0");
}

} // namespace
} // namespace stadion::dispatcher
