#include "net/board/board_set.hpp"

namespace stadion::net {

board_set::board_set(runtime& threads) : threads_(threads) {
    for (std::size_t i = 0; i < threads.size(); ++i) {
        boards_.push_back(std::make_unique<live_board>(threads.at(i)));
        boards_.back()->inquiries = &inquiries_;
    }
}

void board_set::on_each(std::function<void(live_board&)> task, std::function<void()> done) {
    struct shared_task {
        std::function<void(live_board&)> run;
        std::function<void()> done;
        std::atomic<std::size_t> left;
    };
    auto shared = std::make_shared<shared_task>();
    shared->run = std::move(task);
    shared->done = std::move(done);
    shared->left = boards_.size();
    for (auto& one : boards_)
        // noexcept: a board with half of a change would stay wrong.
        one->home().post([this, shared, &one = *one]() noexcept {
            shared->run(one);
            if (shared->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
            sequence_.store(one.board(board_view::live).sequence(), std::memory_order_release);
            board_.store(one.board_id(), std::memory_order_release);
            if (shared->done) shared->done();
        });
}

void board_set::publish(std::shared_ptr<const event_batch> events, std::function<void()> applied) {
    if (!events->empty()) head_.store(events->back()->sequence(), std::memory_order_release);
    on_each([events = std::move(events)](live_board& one) { one.apply(*events); }, std::move(applied));
}

void board_set::replace(std::shared_ptr<const board_snapshot> now) {
    head_.store(now->sequence, std::memory_order_release);
    on_each([now = std::move(now)](live_board& one) { one.replace(*now); }, nullptr);
}

void board_set::rename(std::uint64_t board) {
    on_each([board](live_board& one) { one.rename(board); }, nullptr);
}

void board_set::announce(live_board::event_maker make) {
    on_each([make = std::move(make)](live_board& one) { one.announce(make); }, nullptr);
}

void board_set::use_own_head() {
    for (auto& one : boards_)
        one->ask_head = [this, &one = *one](std::uint64_t) { one.on_head(head(), UINT64_MAX); };
}

void board_set::ask_head_with(std::function<void(std::uint64_t sequence)> ask) {
    for (auto& one : boards_) one->ask_head = ask;
}

void board_set::on_head(std::uint64_t head, std::uint64_t inquiry) {
    on_each([head, inquiry](live_board& one) { one.on_head(head, inquiry); }, nullptr);
}

std::size_t board_set::subscribers() {
    std::atomic<std::size_t> total{0};
    threads_.run_on_each([&](worker& home) { total += of(home).subscribers(); });
    return total;
}

} // namespace stadion::net
