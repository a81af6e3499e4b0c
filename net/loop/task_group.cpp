#include "net/loop/task_group.hpp"

#include "net/loop/thrown.hpp"

#include <cassert>
#include <cstdio>
#include <cstdlib>

namespace stadion::net {

task_group::~task_group() { assert(running_.empty()); }

void task_group::spawn(awaitable<void> task) {
    if (cancelled_) return;
    const auto one = running_.emplace(running_.end());
    asio::co_spawn(home_.context(), std::move(task),
                   asio::bind_cancellation_slot(one->slot(), [this, one](std::exception_ptr failure) {
                       if (failure) failed(failure);
                       forget(one);
                   }));
}

void task_group::failed(const std::exception_ptr& failure) const {
    std::string text = "not a std::exception";
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) return; // cancelled while it waited
        text = error.what();
    } catch (const std::exception& error) {
        text = error.what();
    } catch (...) {
    }
    if (thrown_ == thrown_ends::task) return report_thrown("a request was", failure);
    std::fprintf(stderr, "stadion: a task failed: %s\n", text.c_str());
    std::abort();
}

void task_group::forget(std::list<asio::cancellation_signal>::iterator one) {
    running_.erase(one);
    if (!running_.empty()) return;
    for (auto& done : std::exchange(waiting_, {})) done();
}

void task_group::cancel() {
    cancelled_ = true;
    for (auto one = running_.begin(); one != running_.end();) {
        auto& signal = *one++;
        signal.emit(asio::cancellation_type::terminal);
    }
}

void task_group::when_empty(std::function<void()> done) {
    if (running_.empty()) return done();
    waiting_.push_back(std::move(done));
}

} // namespace stadion::net
