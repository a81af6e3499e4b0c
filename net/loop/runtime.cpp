#include "net/loop/runtime.hpp"

#include "net/loop/thrown.hpp"

#include <algorithm>
#include <latch>

namespace stadion::net {
namespace {

constexpr std::size_t scratch_size = 256 * 1024;
constexpr std::size_t spare_buffers_max = 64;
constexpr std::size_t spare_buffer_capacity_max = 256 * 1024;

} // namespace

worker::worker(std::size_t index) : index_(index), scratch_(scratch_size) {}

void worker::run() {
    thread_id_ = std::this_thread::get_id();
    // An exception that leaves a task has ended that task. Its pending answers are sent by their destructors,
    // and the loop goes on with the next task.
    while (!contained("a task was", [this] { context_.run(); })) {
    }
    ended_.store(true, std::memory_order_release);
}

void worker::arm(deadline& entry, deadline_wheel::clock::duration after) {
    wheel_.arm(entry, deadline_wheel::clock::now(), after);
    tick();
}

// The ticker runs only while something is armed, so an idle server makes no system calls.
void worker::tick() {
    if (ticking_ || wheel_.size() == 0) return;
    ticking_ = true;
    ticker_.expires_after(deadline_wheel::tick_length);
    ticker_.async_wait([this](error_code failure) {
        ticking_ = false;
        if (failure) return;
        contained("a deadline's action was", [this] { wheel_.advance(deadline_wheel::clock::now()); });
        tick();
    });
}

void worker::flush_soon(std::shared_ptr<channel> of) {
    if (dirty_.empty())
        post([this] {
            auto dirty = std::exchange(dirty_, {});
            for (auto& one : dirty) one->flush();
            dirty.clear();
            if (dirty_.empty()) dirty_ = std::move(dirty);
        });
    dirty_.push_back(std::move(of));
}

void worker::run_in_turn(std::function<void()> task) {
    turns_.push_back(std::move(task));
    if (turns_.size() == 1) post([this] { take_turn(); });
}

// The loop is first in, first out, so everything that is ready by now runs before the next turn. The yield
// lets other threads and processes run first too; without it the scheduler may let this thread go on for
// milliseconds. It costs nothing when none of them is waiting.
void worker::take_turn() {
    std::this_thread::yield();
    const auto task = std::move(turns_.front());
    turns_.pop_front();
    if (!turns_.empty()) post([this] { take_turn(); });
    task();
}

// A posted task runs after everything that is ready by now, which is the end of the round.
void worker::spend(deadline_wheel::clock::duration on_bulk_work) {
    if (spent_ == spent_.zero()) post([this] { spent_ = spent_.zero(); });
    spent_ += std::max(on_bulk_work, deadline_wheel::clock::duration{1});
}

void worker::add(channel& started) { channels_.push_back(started); }

void worker::for_each_channel(const std::function<void(channel&)>& visit) {
    for (auto one = channels_.begin(); one != channels_.end();) visit(*one++);
}

std::string worker::take_buffer() {
    if (buffers_.empty()) return {};
    auto buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
}

void worker::give_buffer(std::string buffer) {
    if (buffers_.size() >= spare_buffers_max || buffer.capacity() > spare_buffer_capacity_max) return;
    buffer.clear();
    buffers_.push_back(std::move(buffer));
}

runtime::runtime(std::size_t threads) {
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i)
        workers_.push_back(std::make_unique<worker>(i));
    for (auto& one : workers_) threads_.emplace_back([&one = *one] { one.run(); });
    run_on_each([](worker&) {}); // every worker knows its thread from here on
}

runtime::~runtime() { stop(); }

worker& runtime::least_busy() noexcept {
    return **std::min_element(workers_.begin(), workers_.end(),
                              [](const auto& a, const auto& b) { return a->connections < b->connections; });
}

void runtime::run_on_each(const std::function<void(worker&)>& task) {
    std::latch done(static_cast<std::ptrdiff_t>(workers_.size()));
    for (auto& one : workers_)
        one->post([&] {
            task(*one);
            done.count_down();
        });
    done.wait();
}

void runtime::stop() {
    for (auto& one : workers_) {
        one->guard_.reset();
        one->context_.stop();
    }
    for (auto& thread : threads_)
        if (thread.joinable()) thread.join();
    threads_.clear();
}

} // namespace stadion::net
