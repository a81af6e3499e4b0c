// The threads of a server. Each worker is one thread with one io_context that only it runs, so everything
// that belongs to a worker (connections, deadlines, caches) is used without locks. What goes from one worker
// to another is posted.
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

// What a worker keeps open and serves, as its loop sees it: a connection.
class channel
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    // Sends what it has queued.
    virtual void flush() = 0;
    // Says that the server stops, finishes what was begun, closes.
    virtual void drain() = 0;
    // At once.
    virtual void close() = 0;
    // True where we accepted, false where we connected.
    virtual bool is_served() const noexcept = 0;

protected:
    ~channel() = default;
};

class worker {
public:
    explicit worker(std::size_t index);

    std::size_t index() const noexcept { return index_; }
    asio::io_context& context() noexcept { return context_; }
    auto executor() noexcept { return context_.get_executor(); }

    // May be called from any thread: runs `task` on this worker.
    template <typename Task>
    void post(Task&& task) {
        asio::post(context_, std::forward<Task>(task));
    }

    // --- only on this worker's thread ---

    void arm(deadline& entry, deadline_wheel::clock::duration after);

    // Space to read into that is shared by all connections of the worker; valid until the next read.
    std::span<char> scratch() noexcept { return scratch_; }

    // Sends what connections have queued, once, at the end of this turn of the loop.
    void flush_soon(std::shared_ptr<channel> of);

    // For work that there may be much of: between two such tasks, everything else that is ready is run.
    void run_in_turn(std::function<void()> task);

    // A round of the loop runs everything that is ready. Bulk work that is done at once, and not in a turn,
    // is counted here; once a round had its share of it, the rest should wait for its turn.
    void spend(deadline_wheel::clock::duration on_bulk_work);
    bool has_time() const noexcept { return spent_ < bulk_per_round_max; }

    // Channels that have started and are not closed.
    void add(channel& started);
    void for_each_channel(const std::function<void(channel&)>& visit);

    // Buffers that keep their capacity between uses.
    std::string take_buffer();
    void give_buffer(std::string buffer);

    bool is_current() const noexcept { return std::this_thread::get_id() == thread_id_; }

    // --- any thread ---

    // Its thread has ended: what belonged to the worker belongs to whoever holds it.
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
