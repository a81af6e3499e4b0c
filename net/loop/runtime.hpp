// The threads of a server. Each worker is one thread with an io_context that only this thread runs, so
// whatever belongs to a worker (connections, deadlines, caches) is used without locks. Work for another
// worker is posted to it.
#pragma once

#include "net/loop/asio.hpp"
#include "net/loop/deadline_wheel.hpp"

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <span>
#include <thread>

namespace stadion::net {

// A connection as its worker sees it. The class `connection` of net/tcp, which this room may not include,
// implements it.
class channel
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    // Sends what is queued.
    virtual void flush() = 0;
    // Tells the peer that the server stops, finishes the requests in flight, and closes.
    virtual void drain() = 0;
    // Closes at once.
    virtual void close() = 0;
    // True for an accepted connection, false for one that we opened.
    virtual bool is_served() const noexcept = 0;

protected:
    ~channel() = default;
};

class worker {
public:
    explicit worker(std::size_t index);

    std::size_t index() const noexcept { return index_; }
    asio::io_context& context() noexcept { return context_; }

    // May be called from any thread: runs `task` on this worker.
    template <typename Task>
    void post(Task&& task) {
        asio::post(context_, std::forward<Task>(task));
    }

    // --- only on this worker's thread ---

    void arm(deadline& entry, deadline_wheel::clock::duration after);

    // A read buffer that all connections of the worker share; its content is valid until the next read.
    std::span<char> scratch() noexcept { return scratch_; }

    // Calls `flush` once, after the handlers that are ready now.
    void flush_soon(std::shared_ptr<channel> of);

    // For bulk work: between two such tasks, everything else that is ready runs.
    void run_in_turn(std::function<void()> task);

    // A round of the loop runs everything that is ready. Bulk work that runs at once, outside a turn, is
    // counted here. When `has_time` is false, the round has had its share, and further bulk work should wait
    // for its turn.
    void spend(deadline_wheel::clock::duration on_bulk_work);
    bool has_time() const noexcept { return spent_ < bulk_per_round_max; }

    // The channels that are started and not closed.
    void add(channel& started);
    void for_each_channel(const std::function<void(channel&)>& visit);

    // A pool of buffers, which keep their capacity between uses.
    std::string take_buffer();
    void give_buffer(std::string buffer);

    bool is_current() const noexcept { return std::this_thread::get_id() == thread_id_; }

    // --- any thread ---

    // Whether its thread has ended. From then on, a holder may destroy objects of the worker itself.
    bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }

    std::atomic<std::size_t> connections{0};

private:
    friend class runtime;
    static constexpr std::chrono::microseconds bulk_per_round_max{500};
    void run();
    void tick();
    void take_turn();

    const std::size_t index_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
    deadline_wheel wheel_;
    asio::steady_timer ticker_{context_};
    bool ticking_ = false;
    std::vector<char> scratch_;
    std::vector<std::shared_ptr<channel>> dirty_;
    std::deque<std::function<void()>> turns_;
    deadline_wheel::clock::duration spent_{}; // in this round
    std::vector<std::string> buffers_;
    boost::intrusive::list<channel, boost::intrusive::constant_time_size<false>> channels_;
    std::thread::id thread_id_;
    std::atomic<bool> ended_{false};
};

// Starts its threads when constructed; `stop` (or the destructor) ends and joins them.
class runtime {
public:
    explicit runtime(std::size_t threads);
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    std::size_t size() const noexcept { return workers_.size(); }
    worker& at(std::size_t index) noexcept { return *workers_[index]; }
    worker& least_busy() noexcept;

    // Runs `task(worker)` on every worker and waits until all have. Not to be called from a worker.
    void run_on_each(const std::function<void(worker&)>& task);

    void stop();

private:
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::thread> threads_;
};

} // namespace stadion::net
