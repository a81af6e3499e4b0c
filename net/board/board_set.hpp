// The boards of all workers of a server, which get the same events in the same order.
//
// Threading: see each function. What is published is posted to the workers.
#pragma once

#include "net/board/live_board.hpp"

namespace stadion::net {

class board_set {
public:
    explicit board_set(runtime& threads);

    live_board& of(worker& home) noexcept { return *boards_[home.index()]; }

    // Called from any thread, but by one at a time: every worker applies in the order of these calls.
    // `applied` is called on one of the workers once all have applied the events.
    void publish(std::shared_ptr<const event_batch> events, std::function<void()> applied = nullptr);
    void replace(std::shared_ptr<const board_snapshot> now);
    void rename(std::uint64_t board);
    // See live_board.
    void announce(live_board::event_maker make);

    // For the database server: the head is the newest sequence published here. Called before the first
    // reader.
    void use_own_head();
    // For a replica: `ask` is called on the worker that needs the head. It calls `begin_inquiry` and later
    // `on_head`. Called before the first reader.
    void ask_head_with(std::function<void(std::uint64_t sequence)> ask);
    std::uint64_t begin_inquiry() noexcept { return inquiries_.fetch_add(1) + 1; }
    void on_head(std::uint64_t head, std::uint64_t inquiry);

    // The highest sequence that every worker has applied, and the id of its board. Any thread.
    std::uint64_t sequence() const noexcept { return sequence_.load(std::memory_order_acquire); }
    std::uint64_t board() const noexcept { return board_.load(std::memory_order_acquire); }
    // The highest sequence published; some workers may not have applied it yet. Any thread.
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
