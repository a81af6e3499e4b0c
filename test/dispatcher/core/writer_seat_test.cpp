#include "dispatcher/core/writer_seat.hpp"

#include <gtest/gtest.h>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t ours = 77, other = 88;

class writer_seat_test : public testing::Test {
protected:
    bool may(const writer_seat& of, std::uint64_t board, bool is_child = false) {
        return of.may_enter(board, is_child, now).has_value();
    }

    balancer::time_point now{1h};
    writer_seat seat{writer_record{}, now};
};

TEST_F(writer_seat_test, the_first_one_takes_the_seat) {
    EXPECT_TRUE(may(seat, ours));
    EXPECT_EQ(seat.take(1, {ours, 5}), 0u);
    EXPECT_TRUE(seat.is_writer(1));
    EXPECT_EQ(seat.record(), (writer_record{1, 1, ours, 5}));
}

TEST_F(writer_seat_test, another_board_is_refused_beside_it_whoever_brings_it) {
    seat.take(1, {ours, 5});
    now += 1h;
    EXPECT_FALSE(may(seat, other));
    EXPECT_FALSE(may(seat, other, true));
    const auto refusal = seat.may_enter(other, false, now);
    EXPECT_EQ(refusal.error().code, wire::status::failed_precondition);
    EXPECT_NE(refusal.error().message.find("database server 1"), std::string::npos);
}

TEST_F(writer_seat_test, the_same_board_takes_over_at_once_under_a_higher_epoch) {
    seat.take(1, {ours, 5});
    EXPECT_TRUE(may(seat, ours));
    EXPECT_EQ(seat.take(2, {ours, 5}), 5u);
    EXPECT_EQ(seat.record().epoch, 2u);
    EXPECT_TRUE(seat.is_writer(2));
    EXPECT_FALSE(seat.is_writer(1));
    seat.gone(1, false, now); // what is heard of the one before changes nothing
    EXPECT_TRUE(seat.is_taken());
}

TEST_F(writer_seat_test, who_only_comes_back_goes_on_under_its_epoch) {
    seat.take(1, {ours, 5});
    seat.gone(1, false, now);
    EXPECT_FALSE(seat.is_taken());
    EXPECT_EQ(seat.take(1, {ours, 6}), 5u);
    EXPECT_EQ(seat.record().epoch, 1u);
    writer_seat restarted(seat.record(), now); // so is it with a dispatcher that comes back
    EXPECT_TRUE(may(restarted, ours));
    restarted.take(1, {ours, 6});
    EXPECT_EQ(restarted.record().epoch, 1u);
}

TEST_F(writer_seat_test, another_board_takes_the_place_of_one_that_is_gone_for_good_only) {
    seat.take(1, {ours, 5});
    seat.gone(1, false, now);
    EXPECT_FALSE(may(seat, other));
    EXPECT_TRUE(may(seat, other, true)); // its dispatcher has seen the one before die
    now += writer_seat::replace_after - 1ms;
    EXPECT_FALSE(may(seat, other));
    now += 1ms;
    EXPECT_TRUE(may(seat, other));
    EXPECT_EQ(seat.take(2, {other, 3}), 0u);
    EXPECT_EQ(seat.record(), (writer_record{2, 2, other, 3}));
    EXPECT_FALSE(may(seat, ours)); // the one before is deposed
}

TEST_F(writer_seat_test, one_that_said_goodbye_may_be_replaced_at_once) {
    seat.take(1, {ours, 5});
    seat.gone(1, true, now);
    EXPECT_TRUE(may(seat, other));
}

TEST_F(writer_seat_test, a_restarted_dispatcher_does_not_take_another_board_silently) {
    seat.take(1, {ours, 5});
    now += 1h;
    const writer_seat restarted(seat.record(), now);
    EXPECT_FALSE(may(restarted, other));
    EXPECT_TRUE(may(restarted, ours));
    now += writer_seat::replace_after;
    EXPECT_TRUE(may(restarted, other));
}

TEST_F(writer_seat_test, knows_how_far_its_board_has_been_seen_by_anybody) {
    seat.take(1, {ours, 5});
    seat.heard(1, {ours, 7});
    seat.heard(9, {ours, 8});    // a front-end
    seat.heard(9, {other, 900}); // that has not heard of the board yet
    seat.gone(1, false, now);
    EXPECT_EQ(seat.take(2, {ours, 6}), 8u); // it has gone back
    seat.heard(2, {99, 6});                 // and begins anew
    EXPECT_EQ(seat.record().board, 99u);
    EXPECT_EQ(seat.record().sequence, 6u);
    seat.heard(9, {ours, 8});
    EXPECT_EQ(seat.record().sequence, 6u);
    EXPECT_EQ(seat.record().epoch, 2u);
}

} // namespace
} // namespace stadion::dispatcher
