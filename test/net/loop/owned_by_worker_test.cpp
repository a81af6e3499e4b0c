// An object of a worker is destroyed on its thread, whichever thread held the last reference.
#include "net/loop/owned_by_worker.hpp"

#include <gtest/gtest.h>

#include <future>

namespace stadion::net {
namespace {

struct owned {
    explicit owned(std::promise<std::thread::id>& told) : destroyed_on(told) {}
    ~owned() { destroyed_on.set_value(std::this_thread::get_id()); }
    std::promise<std::thread::id>& destroyed_on;
};

std::thread::id thread_of(worker& one) {
    std::promise<std::thread::id> id;
    one.post([&] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
}

TEST(owned_by_worker, another_thread_that_holds_it_last_does_not_destroy_it) {
    runtime threads(2);
    std::promise<std::thread::id> destroyed_on;
    auto held = make_owned_by<owned>(threads.at(0), destroyed_on);
    threads.at(1).post([held = std::move(held)]() mutable { held.reset(); });
    EXPECT_EQ(destroyed_on.get_future().get(), thread_of(threads.at(0)));
}

TEST(owned_by_worker, its_own_thread_destroys_it_at_once) {
    runtime threads(1);
    std::promise<std::thread::id> destroyed_on;
    auto told = destroyed_on.get_future();
    std::promise<bool> at_once;
    threads.at(0).post([&, held = make_owned_by<owned>(threads.at(0), destroyed_on)]() mutable {
        held.reset();
        at_once.set_value(told.wait_for(std::chrono::seconds{0}) == std::future_status::ready);
    });
    EXPECT_TRUE(at_once.get_future().get());
}

TEST(owned_by_worker, once_its_thread_has_ended_whoever_holds_it_destroys_it) {
    runtime threads(1);
    std::promise<std::thread::id> destroyed_on;
    auto held = make_owned_by<owned>(threads.at(0), destroyed_on);
    threads.stop();
    held.reset();
    EXPECT_EQ(destroyed_on.get_future().get(), std::this_thread::get_id());
}

} // namespace
} // namespace stadion::net
