// Totally ordered multicast among the members of a view: all deliver the same messages in the same order.
//
// A pure state machine, one per server, with one owner. Frames and the election's decisions go in, frames and
// deliveries come out. It uses Lamport clocks and a hold-back queue (Lamport 1978; ISIS). All messages of a
// flush share one timestamp, so the cost per message is a copy. A batch is *agreed* when every member's clock
// has passed it. It is *delivered* only when every member is known to hold it as well, so nothing that was
// delivered anywhere can be lost with one server. Every data frame tells both: `timestamp` promises that the
// sender's next batch is above it, and `holds` says how far the sender has each member's batches. So one
// exchange is enough: the batch goes to all, and every member's answer goes to all.
//
// Frames may be lost, repeated or late. Batches are chained by `previous`, and a gap is asked for again.
// While anything is undelivered every member refreshes its state. `order_coordinator` changes the view.
//
// Invariants: T1–T6 of the folder's README. A message is named by (origin, incarnation, number), the
// incarnation being that of the process's first admission. Numbers are consecutive and each is delivered
// once. Bound: own messages that are not delivered yet take at most `own_bytes_max`; then `submit` refuses.
// So a hold-back queue holds at most that much from each member.
#pragma once

#include "clocksync/order/hold_back.hpp"
#include "clocksync/order/order_coordinator.hpp"
#include "clocksync/order/order_frame.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace stadion::clocksync {

struct order_settings {
    std::size_t own_bytes_max = 4 << 20;
    std::size_t batch_bytes_max = 64 << 10;
    duration flush_interval{0}; // at most one flush in this time; a full batch goes at once
    duration refresh = std::chrono::milliseconds(20);    // while something is undelivered
    duration view_retry = std::chrono::milliseconds(20); // of an unanswered step of a view change
    duration donation_retry = std::chrono::milliseconds(200);
    std::size_t part_bytes = 256 << 10; // of fills and snapshots, in one frame
    std::size_t parts_under_way = 4;    // of a snapshot, not yet taken by one newcomer
    duration unix_ahead{0};             // the time since the UNIX epoch less `now`
    std::size_t early_frames_max = 256; // of the view to come; further ones are asked for again
    planted_bug bug = planted_bug::none;
};

struct order_output {
    struct outgoing {
        server_id to;
        std::shared_ptr<const std::string> frame;
    };
    struct delivered {
        std::uint64_t first_index; // of the log, of the first message not skipped
        server_id origin;
        batch messages;
        std::uint64_t skip; // so many at the front are duplicates
    };
    struct restored {
        view_id history;
        std::uint64_t began_us; // the history, since the UNIX epoch: the same on every server
        std::uint64_t index;    // of the log, of the next delivery
        std::string snapshot;   // from a survivor's provide_snapshot; empty: the log begins here
    };
    struct installed {
        view_id view;
        view_id history; // the view with which this log began
        std::vector<ring_member> members;
        std::uint64_t index;
    };

    std::vector<outgoing> frames;
    std::optional<restored> restore;   // before the deliveries
    std::vector<delivered> deliveries; // in order
    std::optional<installed> view;     // after the deliveries, which are all of the view before
    bool snapshot_wanted = false;      // after the deliveries: call provide_snapshot

    bool empty() const {
        return frames.empty() && !restore && deliveries.empty() && !view && !snapshot_wanted;
    }
};

class ordered_multicast {
public:
    // `self` is from the first view that lists this server.
    ordered_multicast(order_settings settings, ring_member self);

    // Queues a message. False: full, to be tried again after a delivery; or larger than `batch_bytes_max`.
    bool submit(std::string_view message);
    bool has_room(std::size_t bytes) const { return own_bytes_ + bytes <= settings_.own_bytes_max; }

    void on_frame(instant now, server_id from, std::string_view frame, order_output& out);
    void on_view(instant now, const fleet_view& view, order_output& out);
    void on_leader(instant now, epoch_number epoch, server_id leader, order_output& out);
    void on_peer_up(instant now, server_id peer, order_output& out); // frames sent before may have been lost
    void provide_snapshot(instant now, std::string snapshot, order_output& out);

    // Sends what has gathered. To be called once after each round of events, and at deadline().
    void flush(instant now, order_output& out);
    void tick(instant now, order_output& out);
    instant deadline() const;

    view_id view() const { return view_; }
    const std::vector<ring_member>& members() const { return members_; }
    std::uint64_t index() const { return index_; }
    std::uint64_t next_number() const { return next_number_; }
    std::uint64_t process_incarnation() const { return process_incarnation_; }
    bool stopped() const { return stopped_.has_value(); }
    bool idle() const { return chunks_.empty() && (members_.empty() || held_.empty()); }
    std::uint64_t lag() const; // own messages submitted and not yet delivered
    epoch_number epoch() const { return epoch_; }

private:
    struct sender_state {
        std::uint64_t promise = 0;        // its next batch is above this
        std::uint64_t received = 0;       // its last batch that arrived
        std::vector<std::uint64_t> holds; // how far it has each member's batches
        std::uint64_t asked_after = ~std::uint64_t{0};
        instant asked_at{0};
    };
    struct chunk { // own messages waiting to be sent
        std::uint64_t first_number = 0;
        std::uint64_t count = 0;
        std::string messages;
    };
    struct newcomer { // that waits for the state from here
        server_id id;
        std::uint64_t taken = 0; // bytes of it
        std::uint64_t sent = 0;
    };
    struct arrival { // of the state, at a newcomer
        view_id view;
        std::vector<delivered_number> delivered;
        std::string snapshot;
    };
    struct early_frame {
        server_id from;
        view_id view;
        std::shared_ptr<const std::string> bytes;
    };

    static constexpr std::size_t origins_max = 1024; // in the duplicate check; the longest unused is dropped
    static constexpr std::size_t nowhere = ~std::size_t{0};
    std::size_t slot_of(server_id id) const;
    bool installed() const { return !members_.empty(); }
    std::uint64_t agreed() const;
    std::vector<std::uint64_t> own_holdings() const;
    bool is_held_by_all(std::size_t slot, std::uint64_t timestamp) const;
    data_frame state() const;

    void handle(instant now, server_id from, order_frame frame, std::shared_ptr<const std::string> bytes,
                order_output& out);
    void handle_data(instant now, server_id from, data_frame frame, std::shared_ptr<const std::string> bytes,
                     order_output& out);
    void handle_resend(server_id from, const resend_frame& frame, order_output& out);
    void handle_stop(instant now, server_id from, const stop_frame& frame, order_output& out);
    void handle_propose(instant now, server_id from, const propose_frame& frame, order_output& out);
    void handle_fetch(instant now, server_id from, const fetch_frame& frame, order_output& out);
    void handle_fill(instant now, fill_frame frame, order_output& out);
    void handle_commit(instant now, server_id from, const commit_frame& frame, order_output& out);
    void handle_installed(server_id from, const installed_frame& frame);
    void donate(instant now, newcomer& to, std::uint64_t up_to, order_output& out);
    void donate_again(instant now, order_output& out);
    void handle_taken(instant now, server_id from, const taken_frame& frame, order_output& out);
    void handle_state(instant now, server_id from, state_frame frame, order_output& out);

    void accept(std::size_t slot, batch b);
    void ask_again(instant now, std::size_t slot, order_output& out);
    void deliver_held(order_output& out);
    void deliver(std::size_t slot, batch b, order_output& out);
    void forget_oldest_origin();
    void send_batches(order_output& out);
    void send_state(order_output& out, bool asks);
    void send_to_members(const std::string& frame, order_output& out) const;
    void send(instant now, server_id to, const order_frame& frame, order_output& out);
    void send_all(instant now, const addressed_frames& frames, order_output& out);

    bool raise_epoch(epoch_number epoch);
    void report(instant now, server_id to, order_output& out);
    void confirm_if_complete(instant now, order_output& out);
    void install(instant now, const propose_frame& proposal, order_output& out);
    void enter(instant now, const propose_frame& proposal, order_output& out);
    void take_early(instant now, order_output& out);
    void take_back_own();
    void become_newcomer(std::uint64_t incarnation);

    order_settings settings_;
    ring_member self_;
    std::uint64_t process_incarnation_;
    order_coordinator coordinator_;
    epoch_number epoch_ = 0;

    // The installed view.
    view_id view_;
    view_id history_;
    std::uint64_t began_us_ = 0;       // the history
    std::vector<ring_member> members_; // by id
    std::size_t own_slot_ = nowhere;
    std::vector<sender_state> senders_; // by slot
    hold_back held_;
    std::uint64_t clock_ = 0;
    bool unreported_ = false; // a batch has come and the others have not been told so
    std::uint64_t index_ = 0;
    std::map<std::pair<server_id, std::uint64_t>, delivered_number> delivered_;

    // Own messages.
    std::vector<chunk> chunks_;
    std::uint64_t next_number_ = 1;
    std::size_t own_bytes_ = 0;
    instant last_flush_{0};
    instant flush_due_ = never;
    instant refresh_due_ = never;

    // A view change under way.
    std::optional<view_id> stopped_;
    std::optional<propose_frame> proposal_;
    server_id proposer_ = 0;
    std::optional<propose_frame> confirmed_;
    std::vector<newcomer> newcomers_;
    std::optional<state_frame> donation_;
    std::vector<early_frame> early_;
    instant donation_due_ = never;
    arrival arriving_;
};

} // namespace stadion::clocksync
