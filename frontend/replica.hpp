// Keeps the boards of a front-end what the database server's feed makes them.
//
// Follows Database.Watch over one link: at first a snapshot with recent events before it, so that this server
// can resume others' subscriptions from before its own start; after a lost connection whatever came since.
// It asks for the live view: a snapshot of a frozen board brings the public view too, and events say when the
// board is frozen and thawed, so that its own boards show each of its callers the right one. The boards go on
// answering while the database server is away. When the database server's board is another one, everything
// begins anew.
//
// A caller who has seen more than this replica may be ahead of it, or wrong: an empty Commit tells how far
// the board is. One such question is under way at a time. Threading: one worker.
#pragma once

#include "net/board/board_set.hpp"
#include "net/rpc/link.hpp"

#include <atomic>

namespace stadion::frontend {

class replica : public std::enable_shared_from_this<replica> {
public:
    replica(net::worker& home, net::board_set& boards, std::string token);

    // Follows the server at this address from now on, as the writer of that epoch (0: whoever it is).
    void follow(const std::string& address, std::uint64_t writer_epoch);
    void close();

    // Any thread. Whether the board has ever been complete; and whether the feed is connected now.
    bool is_filled() const noexcept { return filled_; }
    bool is_following() const noexcept { return following_; }
    std::uint64_t sequence() const noexcept { return sequence_; }
    std::string trouble() const;

private:
    void watch();
    void on_event(std::string_view payload);
    void begin_snapshot(const v1::Event& event);
    void add_to_snapshot(net::board_event_ptr state);
    void take_snapshot();
    void publish_soon();
    void publish();
    void watch_ended();
    void inquire();

    net::worker& home_;
    net::board_set& boards_;
    std::shared_ptr<net::link> link_;
    net::event_batch batch_;       // live events not yet published
    net::event_batch before_;      // recent events from before a snapshot
    net::board_snapshot snapshot_; // that is arriving
    std::size_t states_missing_ = 0;
    std::size_t shown_missing_ = 0;
    bool in_snapshot_ = false;
    bool publishing_ = false;
    bool inquiring_ = false;
    bool inquire_again_ = false;
    std::uint64_t board_ = 0;
    std::uint64_t writer_epoch_ = 0;
    net::asio::steady_timer retry_;
    std::atomic<bool> filled_{false};
    std::atomic<bool> following_{false};
    std::atomic<std::uint64_t> sequence_{0};
};

} // namespace stadion::frontend
