// Fills a front-end's boards from the database server's feed.
//
// It follows Database.Watch over one link. At first it receives a snapshot with the recent events before it,
// so that subscribers who saw earlier events can resume here. After a lost connection it receives the events
// since. It watches the live view: the snapshot of a frozen board has the public states too, and events tell
// when the board is frozen and thawed. While the database server is away the boards keep answering. When the
// database server's board has another number, everything begins anew.
//
// When a caller has seen more than this replica, either the replica lags or the caller is wrong. A Commit
// without mutations asks the database server for its newest sequence. One such inquiry is in flight at a
// time. Threading: one worker, `home`.
#pragma once

#include "net/board/board_set.hpp"
#include "net/rpc/link.hpp"

#include <atomic>

namespace stadion::frontend {

class replica : public std::enable_shared_from_this<replica> {
public:
    replica(net::worker& home, net::board_set& boards, std::string token);

    // From now on follows the server at this address, naming `writer_epoch` (0: none).
    void follow(const std::string& address, std::uint64_t writer_epoch);
    void close();

    // Any thread. is_filled: a snapshot was complete once. is_following: the feed is connected.
    bool is_filled() const noexcept { return filled_; }
    bool is_following() const noexcept { return following_; }
    std::uint64_t sequence() const noexcept { return sequence_; }
    std::string not_ready_reason() const;

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
    net::event_batch batch_;       // new events that are not published yet
    net::event_batch before_;      // events before the first snapshot
    net::board_snapshot snapshot_; // the snapshot being received
    std::size_t states_missing_ = 0;
    std::size_t public_states_missing_ = 0;
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
