#include "net/loop/task_group.hpp"

#include "net/loop/thrown.hpp"

#include <gtest/gtest.h>

#include <future>

namespace stadion::net {
namespace {

awaitable<void> throwing() {
    throw std::bad_alloc();
    co_return;
}

TEST(task_group, a_request_that_throws_ends_and_the_others_go_on) {
    runtime threads(1);
    auto& home = threads.at(0);
    std::unique_ptr<task_group> group;
    std::promise<void> empty;
    const auto before = thrown_total();
    home.post([&] {
        group = std::make_unique<task_group>(home, task_group::thrown_ends::task);
        group->spawn(throwing());
        group->spawn(throwing());
        group->when_empty([&] { empty.set_value(); });
    });
    empty.get_future().wait();
    EXPECT_EQ(thrown_total(), before + 2);
    threads.run_on_each([&](worker&) { group.reset(); });
}

TEST(task_group_death, work_the_program_cannot_go_on_without_ends_it) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            runtime threads(1);
            task_group group(threads.at(0));
            threads.run_on_each([&](worker&) { group.spawn(throwing()); });
            threads.run_on_each([](worker&) {});
            threads.stop();
        },
        "a task failed: std::bad_alloc");
}

TEST(worker, a_task_that_throws_ends_and_the_loop_goes_on) {
    runtime threads(1);
    const auto before = thrown_total();
    threads.at(0).post([] { throw std::runtime_error("thrown by a test"); });
    threads.at(0).post([] { throw 7; });
    bool ran = false;
    threads.run_on_each([&](worker&) { ran = true; });
    EXPECT_TRUE(ran);
    EXPECT_EQ(thrown_total(), before + 2);
}

struct throwing_deadline : deadline {
    throwing_deadline() : deadline([](deadline&) { throw std::runtime_error("thrown by a test"); }) {}
};
struct counting_deadline : deadline {
    explicit counting_deadline(std::promise<void>& to)
        : deadline([](deadline& entry) { static_cast<counting_deadline&>(entry).fired.set_value(); }),
          fired(to) {}
    std::promise<void>& fired;
};

TEST(worker, a_deadline_that_throws_keeps_no_other_from_firing) {
    runtime threads(1);
    auto& home = threads.at(0);
    std::promise<void> same_tick, later_tick;
    throwing_deadline first;
    counting_deadline second(same_tick), third(later_tick);
    threads.run_on_each([&](worker&) {
        home.arm(first, std::chrono::milliseconds(20));
        home.arm(second, std::chrono::milliseconds(20));
        home.arm(third, std::chrono::milliseconds(100));
    });
    same_tick.get_future().wait();
    later_tick.get_future().wait();
    threads.stop();
}

} // namespace
} // namespace stadion::net
