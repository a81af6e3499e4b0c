// One worker's board and everybody who watches it there.
//
// The problem: thousands of subscribers, each at its own place in the feed and with its own speed. A
// subscriber is *live* when it has had everything; then an event is handed to it as it is applied. One that
// falls behind (its connection is congested) or that resumes from an old sequence is brought forward from the
// board itself: from the events kept, so that it misses none, or, when it is merely slow, from the current
// states, so that it gets only the newest per topic. Nothing is queued per subscriber. Subscribers with the
// same topics share one filter, which is evaluated once per event, and the states they begin with while the
// board stays as it is. Whatever a subscriber is sent, also those states and the history before them, is sent
// as far as its connection takes it; the rest waits here as a position, not there as bytes.
//
// Freezing is done here and nowhere else: there is one board that goes on, and while the board is frozen a
// second one, as it stood then. Who reads or watches names the view (board_view.hpp) and is given the board
// that belongs to it. The events that say `frozen` and `thawed` come in the feed like all others, so that
// every server turns at the same sequence. A thaw brings the watchers of the public view forward: from the
// events kept, in their order; beyond those, by a reset. A sequence is reached when the live board has it,
// also for who then reads the public view: a scorer who wrote while it is frozen is answered at once, with
// the board as the public sees it.
//
// Threading: the worker's.
#pragma once

#include "net/board_view.hpp"
#include "net/runtime.hpp"
#include "wire/board.hpp"

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
        reset,    // as snapshot, because events after the sequence asked for are no longer held
    };

    virtual ~board_subscriber() = default;
    // What follows begins with these states, in the order of their sequences; none when it is resumed. They
    // are asked for by `send_states`.
    virtual void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) = 0;
    // Sends of those states what the connection takes; true once all are sent.
    virtual bool send_states() = 0;
    virtual void on_event(const board_event_ptr& event) = 0;
    virtual bool is_congested() const = 0;
};

class live_board {
public:
    struct request {
        wire::topic_filter filter;
        board_view view = board_view::shown;
        std::uint64_t since = 0; // 0: begin with a snapshot
        bool lossless = false;   // never only the newest per topic
        std::size_t history = 0; // with since 0: so many recent events before the snapshot
    };

    // Ends when it is dropped. `resume` is to be called when the subscriber's congestion has ended.
    class subscription {
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
    };

    explicit live_board(worker& home) : home_(home) {}

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

    void apply(std::span<const board_event_ptr> events);
    void remember(std::span<const board_event_ptr> events);
    // `shown`: the public view, when the board is frozen.
    struct frozen_states {
        v1::BoardState state;
        event_batch states;
    };
    void replace(std::uint64_t sequence, const event_batch& states, const frozen_states* shown = nullptr);

    // Shows an event that is no part of the board to those who are up to date; nobody can resume from it.
    void announce(const board_event_ptr& event);

    // Calls the subscriber's on_start before it returns, unless it is congested; then once it can take more.
    std::unique_ptr<subscription> subscribe(board_subscriber& sink, const request& wanted);

    // Calls `then(true)` once the live board has reached the sequence, `then(false)` when that takes longer
    // than `within`; at once when it has already.
    void when_reached(std::uint64_t sequence, std::chrono::milliseconds within,
                      std::function<void(bool)> then);
    awaitable<bool> reached(std::uint64_t sequence, std::chrono::milliseconds within);

    std::size_t subscribers() const noexcept { return subscribers_; }

private:
    struct group {
        wire::topic_filter filter;
        std::vector<subscription*> members;
        std::weak_ptr<const event_batch> states; // the newest that somebody begins with
        std::uint64_t states_at = 0;
    };
    struct waiter : deadline {
        waiter() : deadline([](deadline& entry) { static_cast<waiter&>(entry).expire(); }) {}
        void expire();
        live_board* owner = nullptr;
        std::multimap<std::uint64_t, std::unique_ptr<waiter>>::iterator place;
        std::function<void(bool)> then;
    };

    void start(subscription& one, const request& wanted);
    void deliver(const board_event_ptr& event);
    void freeze(const v1::BoardState& state);
    void thaw();
    void bring_forward(subscription& one);
    bool begin(subscription& one);
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
    std::unique_ptr<frozen_board> frozen_;
    std::map<std::pair<board_view, std::vector<std::string>>, group> groups_;
    std::multimap<std::uint64_t, std::unique_ptr<waiter>> waiters_;
    std::size_t subscribers_ = 0;
};

// The boards of all workers.
class board_set {
public:
    explicit board_set(runtime& threads);

    live_board& of(worker& home) noexcept { return *boards_[home.index()]; }

    // Any thread, but one at a time: what is published first is applied first everywhere. `applied` is called
    // on one of the workers once all have it.
    void publish(std::shared_ptr<const event_batch> events, std::function<void()> applied = nullptr);
    void remember(std::shared_ptr<const event_batch> events);
    void replace(std::uint64_t sequence, std::shared_ptr<const event_batch> states,
                 std::shared_ptr<const live_board::frozen_states> shown = nullptr);
    // See live_board; each worker makes the event for the sequence its board is at.
    void announce(std::function<board_event_ptr(std::uint64_t sequence)> make);

    // The highest sequence that every worker has; any thread.
    std::uint64_t sequence() const noexcept { return sequence_.load(std::memory_order_acquire); }
    std::size_t subscribers();

private:
    void on_each(std::function<void(live_board&)> task, std::function<void()> done);

    runtime& threads_;
    std::vector<std::unique_ptr<live_board>> boards_;
    std::atomic<std::uint64_t> sequence_{0};
};

} // namespace stadion::net
