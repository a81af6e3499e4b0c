// One worker's copy of the board, and the subscribers on that worker.
//
// The problem: there are thousands of subscribers, each at its own position in the feed and with its own
// speed. A subscriber is *live* when it has received everything; an event is then passed to it as it is
// applied. A subscriber whose connection is congested, or that resumes from an old sequence, catches up from
// the board itself: from the events kept, so that it misses none, or, when it is merely slow, from the
// current states, so that it gets only the newest per topic. No events are queued per subscriber; only its
// position is kept. Subscribers with the same topics and view share one filter, which is evaluated once per
// event. The last batch of starting states is kept until the board changes, for the next subscriber with the
// same topics. Everything is sent only as far as the connection takes it, and in turns of about 64 KiB, so
// that many new subscribers delay neither each other nor the worker's requests.
//
// Freezing: the database server decides it, and the feed carries it as the events `frozen` and `thawed`, so
// that all servers freeze at the same sequence. When `frozen` is applied here, the board is copied: one board
// goes on, the other stays as it is. Readers and subscribers name the view that they want (board_view.hpp)
// and get the board that belongs to it. After a thaw the subscribers of the public view catch up: from the
// events kept, in their order, or else by a reset. `when_reached` and `when_seen` wait for the live board,
// also for readers of the public view: a scorer who has written while the board is frozen is answered at
// once.
//
// The board has an id (wire/position.hpp). It changes when the store may have gone back to an older state;
// all subscribers then get a reset. A position beyond the newest commit is one that nobody can have seen, and
// gets a reset too. A replica cannot tell such a position from its own lag, so it asks for the head, the
// sequence of the newest commit (`ask_head`), and the subscriber or reader waits for the answer.
//
// Before the first snapshot there is no board: `is_filled` is false, and readers get the error `not_filled`.
//
// Threading: the worker's thread.
#pragma once

#include "net/board/board_view.hpp"
#include "net/loop/runtime.hpp"
#include "wire/board.hpp"
#include "wire/position.hpp"

#include <boost/intrusive/list.hpp>

#include <map>
#include <span>

namespace stadion::net {

using wire::board_event_ptr;
using event_batch = std::vector<board_event_ptr>;
using shared_batch = std::shared_ptr<const event_batch>;

class board_subscriber {
public:
    enum class start_kind : std::uint8_t {
        snapshot, // the states are the board at `sequence`
        resumed,  // the events continue after the sequence asked for
        reset,    // as snapshot, because the events after the position asked for are not known
    };

    // How many bytes are sent before other subscribers have their turn.
    static constexpr std::size_t piece_bytes = 64 * 1024;

    virtual ~board_subscriber() = default;
    // The feed begins with these states, in the order of their sequences; `states` is null when it is
    // resumed. `send_states` is then called to send them.
    virtual void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) = 0;
    // Sends about `piece_bytes` of those states; true once all are sent. Not called while it is congested.
    virtual bool send_states() = 0;
    virtual void on_event(const board_event_ptr& event) = 0;
    virtual bool is_congested() const = 0;
};

// The board as it stood when it was frozen, which the public has seen since.
struct frozen_states {
    v1::BoardState state;
    event_batch states;
};

// A complete board, without the events that led to it.
struct board_snapshot {
    std::uint64_t board = 0;
    std::uint64_t sequence = 0;
    event_batch states;
    event_batch before;                 // recent events before it, only for subscribers that resume
    std::optional<frozen_states> shown; // while it is frozen
};

class live_board {
public:
    struct request {
        wire::topic_filter filter;
        board_view view = board_view::shown;
        wire::position since;    // sequence 0: begin with a snapshot
        bool lossless = false;   // send every event, also to a slow subscriber
        std::size_t history = 0; // with sequence 0: the number of recent events to send before the snapshot
    };

private:
    struct waiter;
    using turn_hook =
        boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

public:
    // Ends when it is destroyed. Call `resume` when the subscriber is no longer congested.
    class subscription : public turn_hook {
    public:
        subscription(live_board& owner, board_subscriber& sink, const request& wanted);
        ~subscription();
        void resume() { owner_.catch_up(*this); }

    private:
        friend class live_board;
        live_board& owner_;
        board_subscriber& sink_;
        const std::pair<board_view, std::vector<std::string>> group_key_; // the key of its group
        std::uint64_t position_ = 0;                                      // delivered up to here
        std::size_t sent_in_turn_ = 0;                                    // bytes
        // What is sent next: recent events, the call of on_start, its states, the events since.
        enum class stage : std::uint8_t {
            history,
            announcement,
            states,
            events
        } stage_ = stage::announcement;
        board_subscriber::start_kind start_kind_ = board_subscriber::start_kind::snapshot;
        bool live_ = false;        // it has everything
        bool every_event_ = false; // none may be skipped, until it is live
        bool lossless_ = false;
        bool reset_due_ = false;   // a reset comes before anything else
        waiter* waiter_ = nullptr; // it has not started: whether its position exists is not known yet
    };

    explicit live_board(worker& home) : home_(home) {}
    ~live_board() { *is_alive_ = false; }

    // The board that the public sees while it is frozen.
    struct frozen_board {
        v1::BoardState state;
        wire::board shown;
    };

    worker& home() noexcept { return home_; }
    const wire::board& board(board_view view) const noexcept {
        return view == board_view::shown && frozen_ ? frozen_->shown : board_;
    }
    const frozen_board* frozen() const noexcept { return frozen_.get(); } // null when it is not frozen
    v1::BoardState state() const; // with the sequence of the public view

    bool is_filled() const noexcept { return filled_; }
    std::uint64_t board_id() const noexcept { return board_id_; }
    wire::position position(board_view view) const noexcept { return {board_id_, board(view).sequence()}; }

    void apply(std::span<const board_event_ptr> events);
    void replace(const board_snapshot& now);
    // Changes only the id of the board; all subscribers get a reset.
    void rename(std::uint64_t board);

    // Passes an event that is not part of the board to the live subscribers; nobody can resume from it.
    // `make` gets the sequence where the subscriber is, so that the sequences it sees never decrease.
    using event_maker = std::function<board_event_ptr(std::uint64_t sequence)>;
    void announce(const event_maker& make);

    // Calls the subscriber's on_start before it returns, or later: when the subscriber is no longer
    // congested, or when it is known whether its position exists.
    std::unique_ptr<subscription> subscribe(board_subscriber& sink, const request& wanted);

    // Calls `then(true)` once the live board has reached the sequence, perhaps at once, or `then(false)`
    // after `within`.
    void when_reached(std::uint64_t sequence, std::chrono::milliseconds within,
                      std::function<void(bool)> then);

    // Whether a caller that has seen this position can be answered now. A position on another board says
    // nothing about this one.
    bool is_seen(const wire::position& seen) const noexcept {
        return filled_ && (seen.sequence <= board_.sequence() || !seen.is_of(board_id_));
    }
    // Calls `then` once that is so, or once it is known that there is no such position. UNAVAILABLE when
    // neither happens `within`, or when there is no board yet.
    void when_seen(const wire::position& seen, std::chrono::milliseconds within,
                   std::function<void(wire::result<void>)> then);

    // Called when somebody waits for a sequence beyond this board. The answer, if there is one, is `on_head`.
    std::function<void(std::uint64_t sequence)> ask_head;
    // `head` is the sequence of the newest commit, as asked by the inquiry of that number. Whoever has waited
    // since before that inquiry for a higher sequence is answered: there is none.
    void on_head(std::uint64_t head, std::uint64_t inquiry);
    // The number of inquiries so far. A waiter is answered only by a later inquiry; if this is null, by any.
    const std::atomic<std::uint64_t>* inquiries = nullptr;

    std::size_t subscribers() const noexcept { return subscribers_; }

private:
    struct group {
        wire::topic_filter filter;
        std::vector<subscription*> members;
    };
    struct waiter : deadline {
        waiter() : deadline([](deadline& entry) { static_cast<waiter&>(entry).expire(); }) {}
        void expire();
        live_board* owner = nullptr;
        bool asks = false; // on_head may end it
        std::uint64_t since_inquiry = 0;
        std::multimap<std::uint64_t, std::unique_ptr<waiter>>::iterator node;
        std::function<void(bool)> then;
    };

    void start(subscription& one, const request& wanted);
    void start_later(subscription& one, const request& wanted);
    void begin(subscription& one, const request& wanted, bool resumes);
    void restart(subscription& one);
    waiter& wait(std::uint64_t sequence, std::chrono::milliseconds within, std::function<void(bool)> then);
    void ask_head_for(waiter& entry);
    void forget(waiter& entry);
    void wake(const std::function<bool(const waiter&)>& whose);
    void wake_all();
    void deliver(const board_event_ptr& event);
    void freeze(const v1::BoardState& state);
    void thaw();
    void catch_up(subscription& one);
    bool may_send(subscription& one);
    void wait_for_turn(subscription& one);
    void run_turns();
    bool send_beginning(subscription& one);
    bool send_events(subscription& one, bool must_be_all);
    bool send_newest(subscription& one);
    shared_batch states_of(const subscription& one);
    void wake_waiters();
    const wire::topic_filter& filter_of(const subscription& one) const {
        return groups_.at(one.group_key_).filter;
    }
    const wire::board& board_of(const subscription& one) const { return board(one.group_key_.first); }
    bool is_for(const subscription& one, const wire::topic_filter& filter,
                const wire::board_event& event) const {
        return filter.matches(event.topic()) && (one.group_key_.first == board_view::live || !event.marker());
    }

    worker& home_;
    wire::board board_;
    std::uint64_t board_id_ = 0;
    bool filled_ = false;
    std::unique_ptr<frozen_board> frozen_;
    using group_key = std::pair<board_view, std::vector<std::string>>;
    std::map<group_key, group> groups_;
    // The last batch of starting states, valid while the board stays as it is.
    struct {
        group_key of;
        shared_batch states;
    } last_start_;
    std::multimap<std::uint64_t, std::unique_ptr<waiter>> waiters_;
    std::size_t subscribers_ = 0;
    // Subscriptions whose turn has ended before their connection was congested.
    boost::intrusive::list<subscription, boost::intrusive::constant_time_size<false>,
                           boost::intrusive::base_hook<turn_hook>>
        waiting_turn_;
    const std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

} // namespace stadion::net
