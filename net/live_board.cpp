#include "net/live_board.hpp"

#include <algorithm>

namespace stadion::net {

// --- subscriptions ---

live_board::subscription::subscription(live_board& owner, board_subscriber& sink, const request& wanted)
    : owner_(owner), sink_(sink), kind_(wanted.view, wanted.filter.topics()), lossless_(wanted.lossless) {
    auto& alike = owner_.groups_[kind_];
    alike.filter = wanted.filter;
    alike.members.push_back(this);
    ++owner_.subscribers_;
}

live_board::subscription::~subscription() {
    const auto found = owner_.groups_.find(kind_);
    std::erase(found->second.members, this);
    if (found->second.members.empty()) owner_.groups_.erase(found);
    --owner_.subscribers_;
}

std::unique_ptr<live_board::subscription> live_board::subscribe(board_subscriber& sink,
                                                                const request& wanted) {
    auto one = std::make_unique<subscription>(*this, sink, wanted);
    start(*one, wanted);
    return one;
}

void live_board::start(subscription& one, const request& wanted) {
    using kind = board_subscriber::start_kind;
    using stage = subscription::stage;
    const auto& seen = board_of(one);
    if (wanted.since != 0 && seen.holds_since(wanted.since)) {
        // Ahead of this board is fine too: it catches up, and repeats nothing.
        one.position_ = wanted.since;
        one.every_event_ = true;
        one.stage_ = stage::sending;
        one.sink_.on_start(kind::resumed, wanted.since, nullptr);
    } else {
        const auto now = seen.sequence();
        one.position_ = now - std::min<std::uint64_t>(now, wanted.history);
        one.begins_with_ = wanted.since == 0 ? kind::snapshot : kind::reset;
        one.stage_ = wanted.since == 0 && wanted.history != 0 ? stage::recalling : stage::beginning;
    }
    bring_forward(one);
}

// Goes on where the subscription stands, until it is live or its connection takes no more.
void live_board::bring_forward(subscription& one) {
    if (one.live_ || !begin(one)) return;
    const bool all = one.every_event_ || one.lossless_;
    if (!(all ? send_events(one, true) : send_newest(one))) return;
    one.position_ = std::max(one.position_, board_of(one).sequence());
    one.live_ = true;
    one.every_event_ = false;
}

// What comes before the events. True once it is sent.
bool live_board::begin(subscription& one) {
    using stage = subscription::stage;
    if (one.stage_ == stage::recalling) {
        if (!send_events(one, false)) return false;
        one.stage_ = stage::beginning;
    }
    if (one.stage_ == stage::beginning) {
        if (one.sink_.is_congested()) return false;
        one.position_ = board_of(one).sequence();
        one.stage_ = stage::sending;
        one.sink_.on_start(one.begins_with_, one.position_, states_of(one));
    }
    if (one.stage_ == stage::sending && !one.sink_.send_states()) return false;
    one.stage_ = stage::following;
    return true;
}

// Every event after the position; where some are held no longer, and that matters, a reset instead.
bool live_board::send_events(subscription& one, bool must_be_all) {
    const auto& filter = filter_of(one);
    const auto& seen = board_of(one);
    for (;;) {
        if (must_be_all && !seen.holds_since(one.position_)) {
            one.begins_with_ = board_subscriber::start_kind::reset;
            one.stage_ = subscription::stage::beginning;
            return begin(one);
        }
        if (one.sink_.is_congested()) return false;
        const auto next = seen.next_after(one.position_);
        if (!next) return true;
        one.position_ = next->sequence();
        if (concerns(one, filter, *next)) one.sink_.on_event(next);
    }
}

// Only the newest per topic, oldest first, so that the position says what has been sent.
bool live_board::send_newest(subscription& one) {
    for (const auto& state : board_of(one).states_after(one.position_, filter_of(one))) {
        if (one.sink_.is_congested()) return false;
        one.sink_.on_event(state);
        one.position_ = state->sequence();
    }
    return true;
}

shared_batch live_board::states_of(const subscription& one) {
    auto& alike = groups_.at(one.kind_);
    const auto& seen = board_of(one);
    auto states = alike.states.lock();
    if (states && alike.states_at == seen.sequence()) return states;
    states = std::make_shared<const event_batch>(seen.states_after(0, alike.filter));
    alike.states = states;
    alike.states_at = seen.sequence();
    return states;
}

// --- what happens ---

void live_board::apply(std::span<const board_event_ptr> events) {
    for (const auto& event : events) {
        if (!board_.apply(event)) continue;
        deliver(event);
        const auto* marker = event->marker();
        if (marker && marker->frozen()) freeze(*marker);
        if (marker && !marker->frozen()) thaw();
    }
    wake_waiters();
}

void live_board::deliver(const board_event_ptr& event) {
    for (auto& [kind, alike] : groups_) {
        if (kind.first == board_view::shown && (frozen_ || event->marker())) continue;
        if (!alike.filter.matches(event->topic())) continue;
        for (auto* one : alike.members) {
            if (!one->live_ || event->sequence() <= one->position_) continue;
            one->sink_.on_event(event);
            if (one->sink_.is_congested()) {
                one->live_ = false;
                one->position_ = event->sequence();
            }
        }
    }
}

// A board that is frozen already stays as it was.
void live_board::freeze(const v1::BoardState& state) {
    if (!frozen_) frozen_ = std::make_unique<frozen_board>(frozen_board{state, board_});
}

void live_board::thaw() {
    if (!frozen_) return;
    const auto seen = frozen_->shown.sequence();
    frozen_.reset();
    for (auto& [kind, alike] : groups_) {
        if (kind.first != board_view::shown) continue;
        for (auto* one : alike.members) {
            if (!one->live_) continue; // goes on from where it is once it is no longer congested
            one->position_ = std::max(one->position_, seen);
            one->live_ = false;
            one->every_event_ = true;
            bring_forward(*one);
        }
    }
}

v1::BoardState live_board::state() const {
    v1::BoardState now = frozen_ ? frozen_->state : v1::BoardState();
    now.set_sequence(board(board_view::shown).sequence());
    return now;
}

void live_board::remember(std::span<const board_event_ptr> events) {
    for (const auto& event : events) board_.remember(event);
}

void live_board::replace(std::uint64_t sequence, const event_batch& states, const frozen_states* shown) {
    const auto live_before = board_.sequence();
    const auto shown_before = board(board_view::shown).sequence();
    board_.replace(sequence, states);
    frozen_.reset();
    if (shown) {
        auto frozen = std::make_unique<frozen_board>(frozen_board{shown->state, wire::board()});
        for (const auto& event : board_.events_after(0, SIZE_MAX))
            if (event->sequence() <= shown->state.sequence()) frozen->shown.remember(event);
        frozen->shown.replace(shown->state.sequence(), shown->states);
        frozen_ = std::move(frozen);
    }
    // Those who were live have missed what happened in between: they get the states that are newer.
    for (auto& [kind, alike] : groups_) {
        alike.states.reset();
        for (auto* one : alike.members) {
            const auto before = kind.first == board_view::live ? live_before : shown_before;
            if (one->live_) one->position_ = std::max(one->position_, before);
            one->live_ = false;
            bring_forward(*one);
        }
    }
    wake_waiters();
}

void live_board::announce(const board_event_ptr& event) {
    for (auto& [topics, alike] : groups_) {
        if (!alike.filter.matches(event->topic())) continue;
        for (auto* one : alike.members)
            if (one->live_) one->sink_.on_event(event);
    }
}

// --- waiting for a sequence ---

void live_board::waiter::expire() {
    auto self = std::move(place->second);
    owner->waiters_.erase(place);
    self->then(false);
}

void live_board::when_reached(std::uint64_t sequence, std::chrono::milliseconds within,
                              std::function<void(bool)> then) {
    if (board_.sequence() >= sequence) return then(true);
    auto one = std::make_unique<waiter>();
    auto& entry = *one;
    entry.owner = this;
    entry.then = std::move(then);
    entry.place = waiters_.emplace(sequence, std::move(one));
    home_.arm(entry, within);
}

void live_board::wake_waiters() {
    while (!waiters_.empty() && waiters_.begin()->first <= board_.sequence()) {
        auto node = waiters_.extract(waiters_.begin());
        node.mapped()->disarm();
        node.mapped()->then(true);
    }
}

awaitable<bool> live_board::reached(std::uint64_t sequence, std::chrono::milliseconds within) {
    if (board_.sequence() >= sequence) co_return true;
    auto initiate = [this, sequence, within](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        when_reached(sequence, within, [shared](bool reached_it) { std::move (*shared)(reached_it); });
    };
    co_return co_await asio::async_initiate<decltype(use_awaitable), void(bool)>(initiate, use_awaitable);
}

// --- board_set ---

board_set::board_set(runtime& threads) : threads_(threads) {
    for (std::size_t i = 0; i < threads.size(); ++i)
        boards_.push_back(std::make_unique<live_board>(threads.at(i)));
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
        // A board that has only half of what happened would be wrong for ever.
        one->home().post([this, shared, &one = *one]() noexcept {
            shared->run(one);
            if (shared->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
            sequence_.store(one.board(board_view::live).sequence(), std::memory_order_release);
            if (shared->done) shared->done();
        });
}

void board_set::publish(std::shared_ptr<const event_batch> events, std::function<void()> applied) {
    on_each([events = std::move(events)](live_board& one) { one.apply(*events); }, std::move(applied));
}

void board_set::remember(std::shared_ptr<const event_batch> events) {
    on_each([events = std::move(events)](live_board& one) { one.remember(*events); }, nullptr);
}

void board_set::replace(std::uint64_t sequence, std::shared_ptr<const event_batch> states,
                        std::shared_ptr<const live_board::frozen_states> shown) {
    on_each([sequence, states = std::move(states),
             shown = std::move(shown)](live_board& one) { one.replace(sequence, *states, shown.get()); },
            nullptr);
}

void board_set::announce(std::function<board_event_ptr(std::uint64_t sequence)> make) {
    on_each([make = std::move(make)](
                live_board& one) { one.announce(make(one.board(board_view::shown).sequence())); },
            nullptr);
}

std::size_t board_set::subscribers() {
    std::atomic<std::size_t> total{0};
    threads_.run_on_each([&](worker& home) { total += of(home).subscribers(); });
    return total;
}

} // namespace stadion::net
