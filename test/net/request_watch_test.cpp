#include "net/request_watch.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace stadion::net {
namespace {

using run = std::pair<std::uint64_t, std::uint64_t>;

class recorder final : public request_watch {
public:
    std::vector<run> runs;
    int begun = 0;

    std::vector<run> taken() {
        std::vector<run> out;
        take([&](std::uint64_t first, std::uint64_t count) { out.emplace_back(first, count); });
        return out;
    }

protected:
    void on_run(std::uint64_t first, std::uint64_t count) override { runs.emplace_back(first, count); }
    void on_first() override { ++begun; }
};

TEST(request_watch, ids_that_follow_one_another_are_one_run) {
    recorder watch;
    for (std::uint64_t id = 5; id < 1005; ++id) watch.saw(id);
    EXPECT_EQ(watch.begun, 1);
    EXPECT_TRUE(watch.runs.empty());
    EXPECT_EQ(watch.taken(), (std::vector<run>{{5, 1000}}));
    EXPECT_TRUE(watch.taken().empty());
}

TEST(request_watch, any_other_id_ends_the_run) {
    recorder watch;
    for (const std::uint64_t id : {1, 2, 3, 7, 8, 8, 2}) watch.saw(id);
    EXPECT_EQ(watch.runs, (std::vector<run>{{1, 3}, {7, 2}, {8, 1}}));
    EXPECT_EQ(watch.taken(), (std::vector<run>{{2, 1}}));
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

} // namespace
} // namespace stadion::net
