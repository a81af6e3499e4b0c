// Owns coroutines: every coroutine that is spawned here ends before the group does. `cancel` asks all of them
// to stop; their pending operations end with operation_aborted. `when_empty` reports that the last has ended.
//
// Threading: one worker. Errors: `thrown_ends` says what an exception that leaves a coroutine ends. `task` is
// for serving a peer's request: the exception is reported (thrown.hpp) and ends that coroutine only.
// `program` is for the program's own work, where an exception is a bug: it ends the program with its message.
// `operation_aborted` is no error.
#pragma once

#include "net/loop/runtime.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>

namespace stadion::net {

class task_group {
public:
    enum class thrown_ends : std::uint8_t { task, program };
    explicit task_group(worker& home, thrown_ends what = thrown_ends::program) : home_(home), thrown_(what) {}
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // Does nothing once `cancel` was called.
    void spawn(awaitable<void> task);

    void cancel();

    // Calls `done` when no coroutine is left, perhaps at once.
    void when_empty(std::function<void()> done);

    std::size_t size() const noexcept { return running_.size(); }

private:
    void forget(std::list<asio::cancellation_signal>::iterator one);

    void failed(const std::exception_ptr& failure) const;

    worker& home_;
    const thrown_ends thrown_;
    std::list<asio::cancellation_signal> running_;
    bool cancelled_ = false;
    std::vector<std::function<void()>> waiting_;
};

} // namespace stadion::net
