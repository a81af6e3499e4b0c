#include "dbserver/server/write_grant.hpp"

#include <gtest/gtest.h>

namespace stadion::dbserver {
namespace {

using namespace std::chrono_literals;

class write_grant_test : public testing::Test {
protected:
    static wire::status code(const wire::result<void>& outcome) {
        return outcome ? wire::status::ok : outcome.error().code;
    }
    // As a server that runs does.
    void pass(write_grant& grant, std::chrono::milliseconds length) {
        for (; length > 0ms; length -= write_grant::tick_every) {
            now += write_grant::tick_every;
            grant.tick(now);
        }
    }

    write_grant::time_point now{1h};
};

TEST_F(write_grant_test, a_server_that_stands_alone_writes_but_for_no_fleet) {
    const write_grant grant(false, now);
    EXPECT_EQ(code(grant.check(0, now)), wire::status::ok);
    EXPECT_EQ(code(grant.check(1, now)), wire::status::unavailable);
    EXPECT_EQ(code(grant.check(0, now + 1h)), wire::status::ok);
}

TEST_F(write_grant_test, a_server_of_a_fleet_writes_once_it_may_and_under_its_own_epoch_only) {
    write_grant grant(true, now);
    EXPECT_EQ(code(grant.check(0, now)), wire::status::unavailable);
    grant.granted(4, now);
    EXPECT_EQ(code(grant.check(0, now)), wire::status::ok);
    EXPECT_EQ(code(grant.check(4, now)), wire::status::ok);
    EXPECT_EQ(code(grant.check(3, now)), wire::status::unavailable);
    const auto refused = grant.check(5, now);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("under epoch 4, not under 5"), std::string::npos);
    EXPECT_GT(refused.error().retry_after, 0ms);
    grant.granted(0, now);
    EXPECT_EQ(code(grant.check(4, now)), wire::status::unavailable);
}

TEST_F(write_grant_test, outlives_the_dispatcher) {
    write_grant grant(true, now);
    grant.granted(4, now);
    pass(grant, 1h);
    EXPECT_EQ(code(grant.check(4, now)), wire::status::ok);
}

TEST_F(write_grant_test, does_not_outlive_a_pause_until_it_is_confirmed) {
    write_grant grant(true, now);
    grant.granted(4, now);
    now += write_grant::pause_max + 1ms;
    EXPECT_EQ(code(grant.check(4, now)), wire::status::unavailable); // before anything else has run
    pass(grant, 10s);
    EXPECT_EQ(code(grant.check(4, now)), wire::status::unavailable);
    grant.granted(4, now);
    EXPECT_EQ(code(grant.check(4, now)), wire::status::ok);
}

} // namespace
} // namespace stadion::dbserver
