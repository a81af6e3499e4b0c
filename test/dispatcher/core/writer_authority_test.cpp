#include "dispatcher/core/writer_authority.hpp"

#include <gtest/gtest.h>

namespace stadion::dispatcher {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t ours = 77, other = 88;

class writer_authority_test : public testing::Test {
protected:
    bool may(const writer_authority& of, std::uint64_t board, bool is_child = false) {
        return of.may_join(board, is_child, now).has_value();
    }

    balancer::time_point now{1h};
    writer_authority writer{writer_record{}, now};
};

TEST_F(writer_authority_test, the_first_server_becomes_the_writer) {
    EXPECT_TRUE(may(writer, ours));
    EXPECT_EQ(writer.grant(1, {ours, 5}), 0u);
    EXPECT_TRUE(writer.is_writer(1));
    EXPECT_EQ(writer.record(), (writer_record{1, 1, ours, 5}));
}

TEST_F(writer_authority_test, a_server_with_another_board_is_refused_beside_the_writer) {
    writer.grant(1, {ours, 5});
    now += 1h;
    EXPECT_FALSE(may(writer, other));
    EXPECT_FALSE(may(writer, other, true));
    const auto refusal = writer.may_join(other, false, now);
    EXPECT_EQ(refusal.error().code, wire::status::failed_precondition);
    EXPECT_NE(refusal.error().message.find("database server 1"), std::string::npos);
}

TEST_F(writer_authority_test, a_server_with_the_same_board_takes_over_at_once_under_a_higher_epoch) {
    writer.grant(1, {ours, 5});
    EXPECT_TRUE(may(writer, ours));
    EXPECT_EQ(writer.grant(2, {ours, 5}), 5u);
    EXPECT_EQ(writer.record().epoch, 2u);
    EXPECT_TRUE(writer.is_writer(2));
    EXPECT_FALSE(writer.is_writer(1));
    writer.departed(1, false, now); // the writer before has no effect
    EXPECT_TRUE(writer.has_writer());
}

TEST_F(writer_authority_test, a_writer_that_comes_back_keeps_its_epoch) {
    writer.grant(1, {ours, 5});
    writer.departed(1, false, now);
    EXPECT_FALSE(writer.has_writer());
    EXPECT_EQ(writer.grant(1, {ours, 6}), 5u);
    EXPECT_EQ(writer.record().epoch, 1u);
    writer_authority restarted(writer.record(), now); // a restarted dispatcher
    EXPECT_TRUE(may(restarted, ours));
    restarted.grant(1, {ours, 6});
    EXPECT_EQ(restarted.record().epoch, 1u);
}

TEST_F(writer_authority_test, a_server_with_another_board_replaces_only_a_writer_that_is_gone_for_good) {
    writer.grant(1, {ours, 5});
    writer.departed(1, false, now);
    EXPECT_FALSE(may(writer, other));
    EXPECT_TRUE(may(writer, other, true)); // the dispatcher has seen the writer before die
    now += writer_authority::replace_after - 1ms;
    EXPECT_FALSE(may(writer, other));
    now += 1ms;
    EXPECT_TRUE(may(writer, other));
    EXPECT_EQ(writer.grant(2, {other, 3}), 0u);
    EXPECT_EQ(writer.record(), (writer_record{2, 2, other, 3}));
    EXPECT_FALSE(may(writer, ours)); // the one before is deposed
}

TEST_F(writer_authority_test, a_writer_that_left_in_order_may_be_replaced_at_once) {
    writer.grant(1, {ours, 5});
    writer.departed(1, true, now);
    EXPECT_TRUE(may(writer, other));
}

TEST_F(writer_authority_test, a_restarted_dispatcher_does_not_admit_another_board_at_once) {
    writer.grant(1, {ours, 5});
    now += 1h;
    const writer_authority restarted(writer.record(), now);
    EXPECT_FALSE(may(restarted, other));
    EXPECT_TRUE(may(restarted, ours));
    now += writer_authority::replace_after;
    EXPECT_TRUE(may(restarted, other));
}

TEST_F(writer_authority_test, knows_the_newest_commit_that_any_server_has_seen) {
    writer.grant(1, {ours, 5});
    writer.note_position(1, {ours, 7});
    writer.note_position(9, {ours, 8});    // a front-end
    writer.note_position(9, {other, 900}); // of another board: ignored
    writer.departed(1, false, now);
    EXPECT_EQ(writer.grant(2, {ours, 6}), 8u); // it has lost commits
    writer.note_position(2, {99, 6});          // and makes a new board
    EXPECT_EQ(writer.record().board, 99u);
    EXPECT_EQ(writer.record().sequence, 6u);
    writer.note_position(9, {ours, 8});
    EXPECT_EQ(writer.record().sequence, 6u);
    EXPECT_EQ(writer.record().epoch, 2u);
}

} // namespace
} // namespace stadion::dispatcher
