#include "net/rpc/request_watch.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace stadion::net {
namespace {

using run_taken = std::pair<std::uint64_t, std::uint64_t>;

class recorder final : public request_watch {
public:
    std::uint64_t lost = 0;
    int begun = 0;
    bool has_room = true;

    std::vector<run_taken> taken(std::size_t at_most = 100) {
        std::vector<run_taken> out;
        take([&](std::uint64_t first, std::uint64_t count) {
            if (out.size() == at_most) return false;
            out.emplace_back(first, count);
            return true;
        });
        return out;
    }

protected:
    bool on_first() override { return ++begun, has_room; }
    void on_lost(std::uint64_t count) override { lost += count; }
};

TEST(request_watch, ids_that_follow_one_another_are_one_run) {
    recorder watch;
    for (std::uint64_t id = 5; id < 1005; ++id) watch.saw(id);
    EXPECT_EQ(watch.begun, 1);
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{5, 1000}}));
    EXPECT_TRUE(watch.taken().empty());
}

TEST(request_watch, any_other_id_ends_the_run) {
    recorder watch;
    for (const std::uint64_t id : {1, 2, 3, 7, 8, 8, 2}) watch.saw(id);
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{1, 3}, {7, 2}, {8, 1}, {2, 1}}));
}

TEST(request_watch, asks_to_be_emptied_once_for_each_time_it_was_empty) {
    recorder watch;
    watch.saw(1);
    watch.saw(9);
    EXPECT_EQ(watch.begun, 1);
    watch.taken();
    watch.saw(10);
    EXPECT_EQ(watch.begun, 2);
}

TEST(request_watch, what_is_not_taken_stays_and_a_run_goes_on_meanwhile) {
    recorder watch;
    for (const std::uint64_t id : {1, 5, 9}) watch.saw(id);
    EXPECT_EQ(watch.taken(1), (std::vector<run_taken>{{1, 1}}));
    EXPECT_TRUE(watch.taken(0).empty());
    for (std::uint64_t id = 10; id < 1'000'009; ++id) watch.saw(id);
    EXPECT_EQ(watch.begun, 1) << "it was never empty";
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{5, 1}, {9, 1'000'000}}));
    EXPECT_EQ(watch.lost, 0u);
}

TEST(request_watch, gaps_cost_whoever_leaves_them_and_bounded_room) {
    recorder watch;
    constexpr std::uint64_t requests = 100'000;
    for (std::uint64_t n = 0; n < requests; ++n) watch.saw(2 * n + 1);
    std::uint64_t kept = 0;
    for (const auto& [first, count] : watch.taken()) kept += count;
    EXPECT_EQ(kept, request_watch::runs_max + 1);
    EXPECT_EQ(kept + watch.lost, requests);
}

TEST(request_watch, ids_that_leave_no_room_above_them_are_not_counted) {
    recorder watch;
    constexpr auto highest = ~std::uint64_t{0};
    for (const std::uint64_t id : {std::uint64_t{7}, highest, highest - 1, request_watch::id_max + 1})
        watch.saw(id);
    watch.saw(8);
    EXPECT_EQ(watch.lost, 3u);
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{7, 2}}));
    watch.saw(request_watch::id_max);
    watch.saw(request_watch::id_max + 1);
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{request_watch::id_max, 1}}));
}

TEST(request_watch, a_request_for_which_nobody_has_room_is_lost_alone) {
    recorder watch;
    watch.has_room = false;
    watch.saw(1);
    EXPECT_EQ(watch.lost, 1u);
    watch.has_room = true;
    watch.saw(2);
    EXPECT_EQ(watch.taken(), (std::vector<run_taken>{{2, 1}}));
}

} // namespace
} // namespace stadion::net
