// Runs a task of the network's thread from the console's thread and waits for what it returns, while the
// console goes on handling Ctrl-C and whatever else it watches.
#pragma once

#include "net/loop/runtime.hpp"
#include "tools/command/console.hpp"

#include <future>
#include <optional>

namespace stadion::tools {

template <typename T>
net::awaitable<void> deliver(net::awaitable<T> task, console& to, std::shared_ptr<std::optional<T>> outcome) {
    auto value = co_await std::move(task);
    to.post([outcome, value = std::move(value)] { *outcome = value; });
}

// Nothing when Ctrl-C came first; then the task goes on, and what it returns is dropped.
template <typename T>
std::optional<T> wait_for(console& terminal, net::worker& home, net::awaitable<T> task) {
    const auto outcome = std::make_shared<std::optional<T>>();
    net::asio::co_spawn(home.context(), deliver(std::move(task), terminal, outcome),
                        [](std::exception_ptr failure) {
                            if (failure) std::rethrow_exception(failure);
                        });
    terminal.wait_until([&] { return outcome->has_value(); });
    return std::move(*outcome);
}

// Waits for the end of a task whatever comes.
inline void run_to_end(net::worker& home, net::awaitable<void> task) {
    std::promise<void> ended;
    net::asio::co_spawn(home.context(), std::move(task), [&ended](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
        ended.set_value();
    });
    ended.get_future().wait();
}

} // namespace stadion::tools
