// Events of a board and a subscriber, for several tests.
#pragma once

#include "net/board/live_board.hpp"

#include <memory>
#include <string>
#include <vector>

namespace stadion::net {

inline wire::board_event_ptr score(std::uint64_t sequence, const std::string& game) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("games/" + game);
    event.mutable_score()->set_game(game);
    event.mutable_score()->set_sequence(sequence);
    return std::make_shared<const wire::board_event>(std::move(event));
}

struct watcher : board_subscriber {
    void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) override {
        starts.push_back(kind);
        started_at = sequence;
        shared = states;
        to_send = states ? *states : event_batch();
    }
    bool send_states() override {
        while (!to_send.empty()) {
            if (room == 0) return false;
            snapshot.push_back(to_send.front()->sequence());
            to_send.erase(to_send.begin());
            if (room != SIZE_MAX) --room;
        }
        return true;
    }
    void on_event(const board_event_ptr& event) override {
        got.push_back(event->sequence());
        if (room != 0) --room;
    }
    bool is_congested() const override { return room == 0; }

    std::vector<start_kind> starts;
    std::uint64_t started_at = 0;
    shared_batch shared;
    event_batch to_send;
    std::vector<std::uint64_t> snapshot;
    std::vector<std::uint64_t> got;
    std::size_t room = SIZE_MAX; // events until it is congested
};

// A board on this thread, whose worker's loop runs only when the test runs it.
struct watched_board {
    void apply(std::uint64_t first, std::uint64_t last, const std::string& game = "hockey") {
        event_batch batch;
        for (auto n = first; n <= last; ++n) batch.push_back(score(n, game));
        live.apply(batch);
    }

    worker home{0};
    live_board live{home};
};

} // namespace stadion::net
