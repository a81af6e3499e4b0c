#include "test/support/clock_server.hpp"
#include "test/support/eventually.hpp"

#include <gtest/gtest.h>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;
using support::clock_server;

// A clock announces no change of its state.
bool becomes(const std::function<bool()>& holds) { return support::eventually(holds, 20s); }

std::int64_t system_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class two_servers : public ::testing::Test {
protected:
    fleet_view view(std::uint64_t number, std::uint64_t incarnation_of_two) const {
        fleet_view shown{number, 1, 1, {{1, 1}}};
        if (incarnation_of_two != 0) shown.ring.push_back({2, incarnation_of_two});
        return shown;
    }
    void show(const fleet_view& shown) {
        one_.enter(1, shown, addresses_);
        two_.enter(2, shown, addresses_);
    }
    static bool is(const clock_server& server, std::string_view state) {
        return server.clock().now().state == state;
    }

    clock_server one_{100};
    clock_server two_{-100};
    std::map<server_id, std::string> addresses_{{1, one_.address()}, {2, two_.address()}};
};

TEST_F(two_servers, have_their_own_time_until_they_are_in_a_fleet) {
    EXPECT_EQ(one_.clock().now().state, "LOCAL");
    EXPECT_FALSE(one_.clock().read_at(local_clock::monotonic()));
    const auto before = system_us();
    const auto stamp = one_.clock().stamp_us();
    EXPECT_LE(before, stamp);
    EXPECT_LE(stamp, system_us());
}

TEST_F(two_servers, agree_within_their_bounds_however_wrong_their_clocks_run) {
    show(view(1, 1));
    one_.follow(1, 1);
    two_.follow(1, 1);
    ASSERT_TRUE(becomes([&] { return is(one_, "SYNCHRONISED") && is(two_, "SYNCHRONISED"); }));
    std::int64_t last_one = 0, last_two = 0;
    ASSERT_TRUE(becomes([&] { // over several rounds
        const auto now = local_clock::monotonic();
        const auto one = one_.clock().read_at(now), two = two_.clock().read_at(now);
        EXPECT_LE(std::abs(one->time_ns - two->time_ns), (one->error + two->error).count());
        EXPECT_LE(last_one, one->time_ns);
        EXPECT_LE(last_two, two->time_ns);
        last_one = one->time_ns;
        last_two = two->time_ns;
        return one_.clock().now().rounds >= 12 || HasFailure();
    }));
    EXPECT_EQ(one_.clock().now().others.size(), 2u) << "the leader knows everyone's offset";
    EXPECT_TRUE(two_.clock().now().others.empty());
}

TEST_F(two_servers, stamp_by_the_cluster_clock_from_the_first_correction_on_sure_or_not) {
    const auto own = two_.clock().stamp_us();
    show(view(1, 1));
    one_.follow(1, 1);
    two_.follow(1, 1);
    ASSERT_TRUE(becomes([&] { return is(two_, "SYNCHRONISED"); }));
    const auto is_by_the_line = [&] {
        const auto before = two_.clock().read_at(local_clock::monotonic())->time_ns / 1000;
        const auto stamp = two_.clock().stamp_us();
        const auto after = two_.clock().read_at(local_clock::monotonic())->time_ns / 1000;
        return before <= stamp && stamp <= after;
    };
    EXPECT_LE(own, two_.clock().stamp_us());
    EXPECT_TRUE(is_by_the_line());
    show(view(2, 0)); // dropped: its bound means nothing
    ASSERT_TRUE(is(two_, "UNSYNCHRONISED"));
    EXPECT_TRUE(is_by_the_line()) << "the system clock may differ, and may be set";
}

TEST_F(two_servers, refuse_a_correction_of_whoever_is_no_server) {
    show(view(1, 1));
    one_.follow(1, 1);
    two_.follow(1, 1);
    ASSERT_TRUE(becomes([&] { return is(two_, "SYNCHRONISED"); }));
    const auto reading = two_.clock().read_at(local_clock::monotonic());
    for (const ring_key shown : {ring_key{0}, clock_server::key + 1}) {
        v1::AdjustClockRequest forged;
        forged.set_epoch(1'000'000);
        forged.set_ring_key(shown);
        forged.mutable_correction()->set_incarnation(1);
        forged.mutable_correction()->set_round(1'000'000);
        const auto refused = two_.ask(0x0405, forged.SerializeAsString());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, wire::status::failed_precondition);
    }
    v1::GetClockRequest probe;
    probe.mutable_probe()->set_epoch(1'000'000);
    EXPECT_TRUE(two_.ask(0x0404, probe.SerializeAsString()));
    EXPECT_EQ(two_.clock().now().epoch, 1u);
    EXPECT_LE(reading->time_ns, two_.clock().read_at(local_clock::monotonic())->time_ns);
    EXPECT_TRUE(is(two_, "SYNCHRONISED"));
}

TEST_F(two_servers, who_is_dropped_has_its_own_time_until_it_is_let_in_again) {
    show(view(1, 1));
    one_.follow(1, 1);
    two_.follow(1, 1);
    ASSERT_TRUE(becomes([&] { return is(two_, "SYNCHRONISED"); }));
    show(view(2, 0));
    EXPECT_TRUE(is(two_, "UNSYNCHRONISED"));
    show(view(3, 3));
    EXPECT_TRUE(becomes([&] { return is(two_, "SYNCHRONISED"); }));
}

} // namespace
} // namespace stadion::clocksync
