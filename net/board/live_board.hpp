// One worker's board and everybody who watches it there.
//
// The problem: thousands of subscribers, each at its own place in the feed and with its own speed. A
// subscriber is *live* when it has had everything; then an event is handed to it as it is applied. One that
// falls behind (its connection is congested) or that resumes from an old sequence is brought forward from the
// board itself: from the events kept, so that it misses none, or, when it is merely slow, from the current
// states, so that it gets only the newest per topic. Nothing is queued per subscriber. Subscribers with the
// same topics share one filter, which is evaluated once per event, and the states they begin with while the
// board stays as it is. Whatever a subscriber is sent, also those states and the history before them, is sent
// as far as its connection takes it; the rest waits here as a position, not there as bytes. It is sent in
// turns of about 64 KiB, so that many who begin at once neither hold each other up nor the worker's requests.
//
// Freezing is done here and nowhere else: there is one board that goes on, and while the board is frozen a
// second one, as it stood then. Who reads or watches names the view (board_view.hpp) and is given the board
// that belongs to it. The events that say `frozen` and `thawed` come in the feed like all others, so that
// every server turns at the same sequence. A thaw brings the watchers of the public view forward: from the
// events kept, in their order; beyond those, by a reset. A sequence is reached when the live board has it,
// also for who then reads the public view: a scorer who wrote while it is frozen is answered at once, with
// the board as the public sees it.
//
// A board has a number (wire/position.hpp), which changes when the store it is a replica of may have gone
// back: then everybody who watches begins anew, by a reset. A place beyond the newest commit is one that
// nobody can have seen, and is answered the same way. Whether it is beyond, a replica does not know by
// itself: it may only be behind, so it asks (`ask_head`), and who wants that place waits for the answer.
//
// Before the first snapshot there is no board: `is_filled` says so, and readers are sent away by
// `not_filled`.
//
// Threading: the worker's.
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
        resumed,  // what follows continues after the sequence asked for
        reset,    // as snapshot, because what came after the place asked for is not known
    };

    virtual ~board_subscriber() = default;
    // What follows begins with these states, in the order of their sequences; none when it is resumed. They
    // are asked for by `send_states`.
    virtual void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) = 0;
    // Sends some of those states, about 64 KiB; true once all are sent. Not called while it is congested.
    virtual bool send_states() = 0;
    virtual void on_event(const board_event_ptr& event) = 0;
    virtual bool is_congested() const = 0;
};

// The board as it stood when it was frozen, as the public sees it since.
struct frozen_states {
    v1::BoardState state;
    event_batch states;
};

// What is now, however it came to be.
struct board_snapshot {
    std::uint64_t board = 0;
    std::uint64_t sequence = 0;
    event_batch states;
    event_batch before; // recent events that led up to it, for resuming only
    std::optional<frozen_states> shown;
};

class live_board {
public:
    struct request {
        wire::topic_filter filter;
        board_view view = board_view::shown;
        wire::position since;    // sequence 0: begin with a snapshot
        bool lossless = false;   // never only the newest per topic
        std::size_t history = 0; // with since 0: so many recent events before the snapshot
    };

private:
    struct waiter;
    using turn_hook =
        boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

public:
    // Ends when it is dropped. `resume` is to be called when the subscriber's congestion has ended.
    class subscription : public turn_hook {
    public:
        subscription(live_board& owner, board_subscriber& sink, const request& wanted);
        ~subscription();
        void resume() { owner_.bring_forward(*this); }

    private:
        friend class live_board;
        live_board& owner_;
        board_subscriber& sink_;
        const std::pair<board_view, std::vector<std::string>> kind_; // the key of its group
        std::uint64_t position_ = 0;                                 // everything up to here was delivered
        std::size_t sent_in_turn_ = 0;                               // bytes
        // The history before the states, their announcement, the states, what happens.
        enum class stage : std::uint8_t {
            recalling,
            beginning,
            sending,
            following
        } stage_ = stage::beginning;
        board_subscriber::start_kind begins_with_ = board_subscriber::start_kind::snapshot;
        bool live_ = false;
        bool every_event_ = false; // until it is live for the first time, or always when lossless
        bool lossless_ = false;
        bool reset_due_ = false;   // before anything else
        waiter* awaits_ = nullptr; // it has not started: whether its place has been is not known yet
    };

    explicit live_board(worker& home) : home_(home) {}
    ~live_board() { *is_alive_ = false; }

    // The board as the public sees it since it was frozen.
    struct frozen_board {
        v1::BoardState state;
        wire::board shown;
    };

    worker& home() noexcept { return home_; }
    const wire::board& board(board_view view) const noexcept {
        return view == board_view::shown && frozen_ ? frozen_->shown : board_;
    }
    const frozen_board* frozen() const noexcept { return frozen_.get(); } // null: it is not
    v1::BoardState state() const;                                         // its sequence is the public view's

    bool is_filled() const noexcept { return filled_; }
    std::uint64_t board_id() const noexcept { return board_id_; }
    wire::position position(board_view view) const noexcept { return {board_id_, board(view).sequence()}; }

    void apply(std::span<const board_event_ptr> events);
    void replace(const board_snapshot& now);
    // The same states, of another board.
    void rename(std::uint64_t board);

    // Shows an event that is no part of the board to those who are up to date; nobody can resume from it. It
    // is made for the place where they are, so that nobody's place ever falls.
    using event_maker = std::function<board_event_ptr(std::uint64_t sequence)>;
    void announce(const event_maker& make);

    // Calls the subscriber's on_start before it returns, unless it is congested, or it is not known yet
    // whether its place has been: then once it can take more, or it is known.
    std::unique_ptr<subscription> subscribe(board_subscriber& sink, const request& wanted);

    // Calls `then(true)` once the live board has reached the sequence, `then(false)` when that takes longer
    // than `within`; at once when it has already.
    void when_reached(std::uint64_t sequence, std::chrono::milliseconds within,
                      std::function<void(bool)> then);
    awaitable<bool> reached(std::uint64_t sequence, std::chrono::milliseconds within);

    // Whether a caller who has seen that can be answered now. A place on another board says nothing of this
    // one.
    bool is_seen(const wire::position& seen) const noexcept {
        return filled_ && (seen.sequence <= board_.sequence() || !seen.is_of(board_id_));
    }
    // Calls `then` once that is so, or once it is known that there is no such place; UNAVAILABLE when neither
    // happens `within`, or when there is no board yet.
    void when_seen(const wire::position& seen, std::chrono::milliseconds within,
                   std::function<void(wire::result<void>)> then);

    // Asked when somebody waits for a place beyond this board's: to be answered by `head_is`, if it can be.
    std::function<void(std::uint64_t sequence)> ask_head;
    // The newest commit was `head`, at a moment when `inquiry` was the newest inquiry: those who wait since
    // before it for more wait for what is not.
    void head_is(std::uint64_t head, std::uint64_t inquiry);
    // Counts inquiries: who waits since then is answered only by a later one. Null: by any.
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
        bool asks = false; // may end because there is no such place, and
        std::uint64_t since_inquiry = 0;
        std::multimap<std::uint64_t, std::unique_ptr<waiter>>::iterator place;
        std::function<void(bool)> then;
    };

    void start(subscription& one, const request& wanted);
    void start_later(subscription& one, const request& wanted);
    void begin(subscription& one, const request& wanted, bool resumes);
    void begin_anew(subscription& one);
    waiter& wait(std::uint64_t sequence, std::chrono::milliseconds within, std::function<void(bool)> then);
    void ask_for(waiter& entry);
    void forget(waiter& entry);
    void wake(const std::function<bool(const waiter&)>& whose);
    void wake_all();
    void deliver(const board_event_ptr& event);
    void freeze(const v1::BoardState& state);
    void thaw();
    void bring_forward(subscription& one);
    bool may_go_on(subscription& one);
    void wait_for_turn(subscription& one);
    void run_turns();
    bool send_beginning(subscription& one);
    bool send_events(subscription& one, bool must_be_all);
    bool send_newest(subscription& one);
    shared_batch states_of(const subscription& one);
    void wake_waiters();
    const wire::topic_filter& filter_of(const subscription& one) const {
        return groups_.at(one.kind_).filter;
    }
    const wire::board& board_of(const subscription& one) const { return board(one.kind_.first); }
    bool concerns(const subscription& one, const wire::topic_filter& filter,
                  const wire::board_event& event) const {
        return filter.matches(event.topic()) && (one.kind_.first == board_view::live || !event.marker());
    }

    worker& home_;
    wire::board board_;
    std::uint64_t board_id_ = 0;
    bool filled_ = false;
    std::unique_ptr<frozen_board> frozen_;
    using group_key = std::pair<board_view, std::vector<std::string>>;
    std::map<group_key, group> groups_;
    // What somebody began with last: while the board stays as it is, those who come next begin with it too.
    struct {
        group_key of;
        shared_batch states;
    } begun_with_;
    std::multimap<std::uint64_t, std::unique_ptr<waiter>> waiters_;
    std::size_t subscribers_ = 0;
    // Those whose turn has ended; their connections would take more.
    boost::intrusive::list<subscription, boost::intrusive::constant_time_size<false>,
                           boost::intrusive::base_hook<turn_hook>>
        waiting_turn_;
    const std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

} // namespace stadion::net
