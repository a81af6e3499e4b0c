#include "dbserver/table/write_sessions.hpp"

#include <gtest/gtest.h>

namespace stadion::dbserver {
namespace {

using verdict = write_sessions::verdict;

constexpr std::int64_t day_us = 86'400'000'000;

class sessions_of_an_opening : public ::testing::Test {
public:
    sessions_of_an_opening() {
        sessions.set_opening(5);
        one = *sessions.begin(0);
    }
    verdict reserve(std::uint64_t number, std::uint64_t lowest_open = 1, std::int64_t now_us = 0) {
        return sessions.reserve({one, lowest_open}, number, now_us, sequence);
    }

    write_sessions sessions{day_us};
    session_id one;
    std::uint64_t sequence = 0;
};

TEST_F(sessions_of_an_opening, are_never_the_same) {
    EXPECT_FALSE(*sessions.begin(0) == one);
    EXPECT_FALSE(*sessions.begin(0) == *sessions.begin(0));
    write_sessions of_the_next{day_us};
    of_the_next.set_opening(6);
    EXPECT_FALSE(*of_the_next.begin(0) == one);
}

TEST_F(sessions_of_an_opening, know_a_number_until_it_is_confirmed_and_never_take_it_again) {
    EXPECT_EQ(reserve(1), verdict::fresh);
    EXPECT_EQ(reserve(1), verdict::running);
    sessions.keep(one, 1, 17);
    EXPECT_EQ(reserve(1), verdict::answered);
    EXPECT_EQ(sequence, 17u);
    EXPECT_EQ(reserve(2, 2), verdict::fresh);
    EXPECT_EQ(reserve(1, 2), verdict::confirmed);
    EXPECT_EQ(reserve(1, 1), verdict::confirmed); // late, from before
}

TEST_F(sessions_of_an_opening, take_a_number_again_that_had_no_effect) {
    EXPECT_EQ(reserve(3), verdict::fresh);
    sessions.release(one, 3);
    EXPECT_EQ(reserve(3), verdict::fresh);
    EXPECT_EQ(reserve(2), verdict::fresh); // in any order
}

TEST_F(sessions_of_an_opening, hold_back_what_is_too_far_ahead) {
    EXPECT_EQ(reserve(write_sessions::window), verdict::fresh);
    EXPECT_EQ(reserve(write_sessions::window + 1), verdict::too_far);
    EXPECT_EQ(reserve(UINT64_MAX), verdict::too_far);
    EXPECT_EQ(reserve(write_sessions::window + 1, 2), verdict::fresh);
}

TEST_F(sessions_of_an_opening, confirmed_beyond_all_that_was_sent_go_on_from_there) {
    EXPECT_EQ(reserve(7, 7), verdict::fresh);
    sessions.keep(one, 7, 3);
    EXPECT_EQ(reserve(UINT64_MAX, UINT64_MAX), verdict::fresh);
    EXPECT_EQ(reserve(7), verdict::confirmed);
}

TEST_F(sessions_of_an_opening, of_another_store_are_not_known) {
    write_sessions other{day_us};
    EXPECT_EQ(other.reserve({one, 1}, 1, 0, sequence), verdict::unknown);
}

TEST_F(sessions_of_an_opening, are_the_same_after_a_checkpoint_and_the_journal_behind_it) {
    reserve(1), sessions.keep(one, 1, 10);
    reserve(2), sessions.keep(one, 2, 11);
    reserve(4, 2), sessions.keep(one, 4, 12);
    reserve(5, 2); // not durable
    std::vector<saved_session> read;
    ASSERT_TRUE(from_text(to_text(sessions.save(0)), read));
    write_sessions after{day_us};
    for (const saved_session& saved : read) after.restore(saved);
    after.restore({one, 3}, 6, 13, 0);
    const auto asked = [&](std::uint64_t number) { return after.reserve({one, 1}, number, 0, sequence); };
    EXPECT_EQ(asked(2), verdict::confirmed);
    EXPECT_EQ(asked(3), verdict::fresh);
    EXPECT_EQ(asked(4), verdict::answered);
    EXPECT_EQ(sequence, 12u);
    EXPECT_EQ(asked(5), verdict::fresh);
    EXPECT_EQ(asked(6), verdict::answered);
}

TEST_F(sessions_of_an_opening, are_dropped_a_day_after_their_last_use) {
    reserve(1, 1, 1000);
    EXPECT_EQ(sessions.save(day_us + 999).size(), 1u);
    EXPECT_EQ(sessions.save(day_us + 1000).size(), 0u);
    EXPECT_EQ(reserve(1), verdict::unknown);
}

TEST_F(sessions_of_an_opening, do_not_begin_without_a_bound) {
    while (sessions.size() < write_sessions::sessions_max) ASSERT_TRUE(sessions.begin(0));
    EXPECT_FALSE(sessions.begin(1));
    EXPECT_TRUE(sessions.begin(day_us)); // those that nobody used have gone
}

TEST(saved_sessions, that_are_anything_else_are_not_read) {
    std::vector<saved_session> into;
    EXPECT_FALSE(from_text("{}\n", into));
    EXPECT_FALSE(from_text(R"({"session":"1"})", into));
    EXPECT_FALSE(from_text(R"({"session":"0000000000000001-2","lowest":"x"})", into));
    EXPECT_FALSE(from_text("x", into));
}

} // namespace
} // namespace stadion::dbserver
