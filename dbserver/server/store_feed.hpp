// Brings what the store publishes to the workers' boards, and its answers to the workers that asked, in that
// order: an answer goes out once every board shows what it says.
//
// Threading: events and completions come on the store's journal thread; everything else is posted.
#pragma once

#include "dbserver/table/store.hpp"
#include "net/board/board_set.hpp"
#include "net/board/board_writer.hpp"

namespace stadion::dbserver {

class store_feed final : public net::board_writer {
public:
    // Fills the boards from the store and follows it until destroyed. Before the server listens. `board` is
    // the store's (board_file.hpp).
    store_feed(store& from, net::board_set& to, std::uint64_t board = 0);
    ~store_feed() override;

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override;

    // Several mutations and all their outcomes.
    void commit(net::worker& home, std::vector<v1::Mutation> mutations,
                std::function<void(std::vector<v1::Outcome>)> done, const numbering& numbered_in = {});

private:
    class gate;

    void load(std::uint64_t board);
    net::event_batch states_of(audience who) const;
    void on_events(std::span<const event> events);

    store& store_;
    net::board_set& boards_;
    std::shared_ptr<gate> last_; // of the batch that was published last; journal thread only
    subscription subscription_;
};

// A state as an event of the feed.
net::board_event_ptr state_event(const state_ptr& what);

// An event of the store as the feed carries it.
net::board_event_ptr to_board_event(const event& what);

} // namespace stadion::dbserver
