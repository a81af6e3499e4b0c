// The boards of all workers of a server, kept in step.
//
// Threading: said with each function; what is published is posted to the workers, in order.
#pragma once

#include "net/board/live_board.hpp"

namespace stadion::net {

class board_set {
public:
    explicit board_set(runtime& threads);

    live_board& of(worker& home) noexcept { return *boards_[home.index()]; }

    // Any thread, but one at a time: what is published first is applied first everywhere. `applied` is called
    // on one of the workers once all have it.
    void publish(std::shared_ptr<const event_batch> events, std::function<void()> applied = nullptr);
    void replace(std::shared_ptr<const board_snapshot> now);
    void rename(std::uint64_t board);
    // See live_board.
    void announce(live_board::event_maker make);

    // What the boards show is all there is: what was not published has not been. Before anybody asks.
    void know_the_head();
    // `ask` is called on the worker that wants to know; it begins an inquiry and answers it. Before anybody
    // asks.
    void ask_head_by(std::function<void(std::uint64_t sequence)> ask);
    std::uint64_t begin_inquiry() noexcept { return inquiries_.fetch_add(1) + 1; }
    void head_is(std::uint64_t head, std::uint64_t inquiry);

    // The highest sequence that every worker has, and of which board; any thread.
    std::uint64_t sequence() const noexcept { return sequence_.load(std::memory_order_acquire); }
    std::uint64_t board() const noexcept { return board_.load(std::memory_order_acquire); }
    // The highest that was published, though perhaps not on every worker yet.
    std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }
    std::size_t subscribers();

private:
    void on_each(std::function<void(live_board&)> task, std::function<void()> done);

    runtime& threads_;
    std::vector<std::unique_ptr<live_board>> boards_;
    std::atomic<std::uint64_t> sequence_{0};
    std::atomic<std::uint64_t> board_{0};
    std::atomic<std::uint64_t> head_{0};
    std::atomic<std::uint64_t> inquiries_{0};
};

} // namespace stadion::net
