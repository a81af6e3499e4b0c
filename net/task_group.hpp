// Owns coroutines: every one that is started here ends before the group does. `cancel` asks all of them to
// stop (their pending operations end with operation_aborted); `join` waits until the last has gone.
//
// Threading: one worker. Nothing is detached: an exception that leaves a coroutine is a bug and ends the
// program with its message, as it would leave a thread.
#pragma once

#include "net/runtime.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>

namespace stadion::net {

class task_group {
public:
    explicit task_group(worker& home) : home_(home) {}
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // Nothing more is started once `cancel` was called.
    void spawn(awaitable<void> task);

    void cancel();

    // Calls `done` when no task is left, perhaps at once.
    void when_empty(std::function<void()> done);

    std::size_t size() const noexcept { return running_.size(); }

private:
    void forget(std::list<asio::cancellation_signal>::iterator one);

    worker& home_;
    std::list<asio::cancellation_signal> running_;
    bool cancelled_ = false;
    std::vector<std::function<void()>> waiting_;
};

} // namespace stadion::net
