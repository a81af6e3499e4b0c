// Subscribers that are sent much take turns.
#include "test/net/board/board_events.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using testing::ElementsAre;

class live_board_turns : public testing::Test, protected watched_board {};

// Sends one of its starting states at a time.
struct piecewise : watcher {
    bool send_states() override {
        if (to_send.empty()) return true;
        snapshot.push_back(to_send.front()->sequence());
        to_send.erase(to_send.begin());
        return to_send.empty();
    }
};

TEST_F(live_board_turns, those_who_begin_with_much_take_turns) {
    for (std::uint64_t n = 1; n <= 4; ++n) apply(n, n, "game " + std::to_string(n));
    piecewise first, second;
    auto watching = live.subscribe(first, {});
    auto also = live.subscribe(second, {});
    EXPECT_THAT(first.snapshot, ElementsAre(1)); // the rest after the turns of the others
    EXPECT_THAT(second.snapshot, ElementsAre(1));
    watching->resume(); // its turn has not come
    EXPECT_THAT(first.snapshot, ElementsAre(1));
    home.context().poll_one();
    EXPECT_THAT(first.snapshot, ElementsAre(1, 2));
    EXPECT_THAT(second.snapshot, ElementsAre(1));
    apply(5, 5, "game 5"); // before the states are sent
    home.context().poll_one();
    EXPECT_THAT(second.snapshot, ElementsAre(1, 2));
    watching.reset(); // while its states are being sent
    home.context().poll();
    EXPECT_THAT(first.snapshot, ElementsAre(1, 2));
    EXPECT_THAT(second.snapshot, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(second.got, ElementsAre(5));
    apply(6, 6);
    EXPECT_THAT(second.got, ElementsAre(5, 6));
    also.reset();
    home.context().poll();
}

TEST_F(live_board_turns, a_long_history_takes_turns_and_is_whole) {
    apply(1, 20'000);
    watcher one;
    live_board::request wanted;
    wanted.since = {0, 1};
    wanted.lossless = true;
    const auto watching = live.subscribe(one, wanted);
    const auto at_once = one.got.size();
    EXPECT_GT(at_once, 100u);
    EXPECT_LT(at_once, 10'000u);
    apply(20'001, 20'001);
    EXPECT_EQ(one.got.size(), at_once);
    home.context().poll();
    ASSERT_EQ(one.got.size(), 20'000u);
    for (std::size_t n = 0; n < one.got.size(); ++n) ASSERT_EQ(one.got[n], n + 2);
}

} // namespace
} // namespace stadion::net
