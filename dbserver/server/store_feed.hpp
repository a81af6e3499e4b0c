// Carries published events from the store to the workers' boards, and outcomes to the workers that asked. An
// outcome is delivered once every worker's board shows its effect.
//
// Threading: events and completions arrive on the store's journal thread. Everything else is posted.
#pragma once

#include "dbserver/table/store.hpp"
#include "net/board/board_set.hpp"
#include "net/board/board_writer.hpp"

namespace stadion::dbserver {

class store_feed final : public net::board_writer {
public:
    // Fills the boards from the store and follows it until destroyed. Before the server listens. `board` is
    // the number of the store's board (board_file.hpp).
    store_feed(store& from, net::board_set& to, std::uint64_t board = 0);
    ~store_feed() override;

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override;

    // Commits several mutations; `done` is called with an outcome for each.
    void commit(net::worker& home, std::vector<v1::Mutation> mutations,
                std::function<void(std::vector<v1::Outcome>)> done, const numbering& numbered_in = {});

private:
    class barrier;

    void load(std::uint64_t board);
    net::event_batch states_of(audience who) const;
    void on_events(std::span<const event> events);

    store& store_;
    net::board_set& boards_;
    std::shared_ptr<barrier> last_barrier_; // of the last published batch; journal thread only
    subscription subscription_;
};

// A state as an event of the feed.
net::board_event_ptr state_event(const state_ptr& what);

// An event of the store as the feed carries it.
net::board_event_ptr to_board_event(const event& what);

} // namespace stadion::dbserver
