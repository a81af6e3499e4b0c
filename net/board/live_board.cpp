#include "net/board/live_board.hpp"

#include <algorithm>

namespace stadion::net {
namespace {

// A subscriber's place that is not known here and that nobody can be asked about is taken on trust after
// this.
constexpr std::chrono::milliseconds place_known_within{1'000};

constexpr std::size_t turn_bytes = 64 * 1024;
constexpr std::size_t least_bytes = 32;         // of a turn, for an event
constexpr std::size_t states_at_a_time = 1'000; // looked up for somebody slow

} // namespace

// --- subscriptions ---

live_board::subscription::subscription(live_board& owner, board_subscriber& sink, const request& wanted)
    : owner_(owner), sink_(sink), kind_(wanted.view, wanted.filter.topics()), lossless_(wanted.lossless) {
    auto& alike = owner_.groups_[kind_];
    alike.filter = wanted.filter;
    alike.members.push_back(this);
    ++owner_.subscribers_;
}

live_board::subscription::~subscription() {
    if (awaits_) owner_.forget(*awaits_);
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
    const bool same = wanted.since.is_of(board_id_);
    const auto since = wanted.since.sequence;
    if (since != 0 && same && since > board_.sequence()) return start_later(one, wanted);
    begin(one, wanted, since != 0 && same && board_of(one).holds_since(since));
}

// This board may be behind; or nobody has ever been where the subscriber says it was.
void live_board::start_later(subscription& one, const request& wanted) {
    auto& entry = wait(wanted.since.sequence, place_known_within, [this, &one, wanted](bool known) {
        one.awaits_ = nullptr;
        const bool same = wanted.since.is_of(board_id_);
        const bool has_been = !known || wanted.since.sequence <= board_.sequence();
        begin(one, wanted, same && has_been && board_of(one).holds_since(wanted.since.sequence));
    });
    one.awaits_ = &entry;
    ask_for(entry);
}

void live_board::begin(subscription& one, const request& wanted, bool resumes) {
    using kind = board_subscriber::start_kind;
    using stage = subscription::stage;
    const auto since = wanted.since.sequence;
    if (resumes) {
        one.position_ = since; // ahead of this view is fine: it catches up, and repeats nothing
        one.every_event_ = true;
        one.stage_ = stage::sending;
        one.sink_.on_start(kind::resumed, since, nullptr);
    } else {
        const auto now = board_of(one).sequence();
        one.position_ = now - std::min<std::uint64_t>(now, wanted.history);
        one.begins_with_ = since == 0 ? kind::snapshot : kind::reset;
        one.stage_ = since == 0 && wanted.history != 0 ? stage::recalling : stage::beginning;
    }
    bring_forward(one);
}

// Goes on where the subscription stands, until it is live or its connection takes no more. A message that is
// half sent is sent whole before anything else.
void live_board::bring_forward(subscription& one) {
    if (one.live_ || one.awaits_ || one.turn_hook::is_linked()) return;
    one.sent_in_turn_ = 0;
    do {
        if (one.reset_due_ && one.stage_ != subscription::stage::sending) {
            one.reset_due_ = false;
            one.begins_with_ = board_subscriber::start_kind::reset;
            one.stage_ = subscription::stage::beginning;
        }
        if (!send_beginning(one)) return;
    } while (one.reset_due_);
    const bool all = one.every_event_ || one.lossless_;
    if (!(all ? send_events(one, true) : send_newest(one))) return;
    one.position_ = std::max(one.position_, board_of(one).sequence());
    one.live_ = true;
    one.every_event_ = false;
}

bool live_board::may_go_on(subscription& one) {
    if (one.sink_.is_congested()) return false; // `resume` goes on
    if (one.sent_in_turn_ < turn_bytes) return true;
    wait_for_turn(one);
    return false;
}

void live_board::wait_for_turn(subscription& one) {
    const bool is_first = waiting_turn_.empty();
    waiting_turn_.push_back(one);
    if (is_first) run_turns();
}

// One subscriber each time.
void live_board::run_turns() {
    home_.run_in_turn([this, is_alive = is_alive_] {
        if (!*is_alive || waiting_turn_.empty()) return;
        auto& one = waiting_turn_.front();
        waiting_turn_.pop_front();
        if (!waiting_turn_.empty()) run_turns();
        bring_forward(one);
    });
}

// What comes before the events. True once it is sent.
bool live_board::send_beginning(subscription& one) {
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
    while (one.stage_ == stage::sending) {
        if (!may_go_on(one)) return false;
        if (one.sink_.send_states())
            one.stage_ = stage::following;
        else
            one.sent_in_turn_ += turn_bytes;
    }
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
            return send_beginning(one);
        }
        if (!may_go_on(one)) return false;
        const auto next = seen.next_after(one.position_);
        if (!next) return true;
        one.position_ = next->sequence();
        one.sent_in_turn_ += least_bytes; // also of one that is left out: it was looked at
        if (!concerns(one, filter, *next)) continue;
        one.sent_in_turn_ += next->payload().size();
        one.sink_.on_event(next);
    }
}

// Only the newest per topic, oldest first, so that the position says what has been sent.
bool live_board::send_newest(subscription& one) {
    for (;;) {
        const auto states = board_of(one).states_after(one.position_, filter_of(one), states_at_a_time);
        for (const auto& state : states) {
            if (!may_go_on(one)) return false;
            one.sink_.on_event(state);
            one.sent_in_turn_ += state->payload().size();
            one.position_ = state->sequence();
        }
        if (states.size() < states_at_a_time) return true;
    }
}

shared_batch live_board::states_of(const subscription& one) {
    if (!begun_with_.states || begun_with_.of != one.kind_)
        begun_with_ = {one.kind_,
                       std::make_shared<const event_batch>(board_of(one).states_after(0, filter_of(one)))};
    return begun_with_.states;
}

// --- what happens ---

void live_board::apply(std::span<const board_event_ptr> events) {
    filled_ = true;
    for (const auto& event : events) {
        if (!board_.apply(event)) continue;
        begun_with_.states.reset();
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
    begun_with_.states.reset();
    for (auto& [kind, alike] : groups_) {
        if (kind.first != board_view::shown) continue;
        for (auto* one : alike.members) {
            if (!one->live_)
                continue; // has not begun, or goes on from where it is once it is no longer congested
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

void live_board::replace(const board_snapshot& now) {
    begun_with_.states.reset();
    const bool anew = filled_ && (now.board != board_id_ || now.sequence < board_.sequence());
    const auto live_before = board_.sequence();
    const auto shown_before = board(board_view::shown).sequence();
    if (anew) board_ = wire::board();
    for (const auto& event : now.before) board_.remember(event);
    board_.replace(now.sequence, now.states);
    board_id_ = now.board;
    filled_ = true;
    frozen_.reset();
    if (now.shown) {
        auto frozen = std::make_unique<frozen_board>(frozen_board{now.shown->state, wire::board()});
        const auto frozen_at = now.shown->state.sequence();
        for (const auto& event : board_.events_after(0, SIZE_MAX))
            if (event->sequence() <= frozen_at) frozen->shown.remember(event);
        frozen->shown.replace(frozen_at, now.shown->states);
        frozen_ = std::move(frozen);
    }
    // Who was up to date has missed what happened in between: the events, or, when they are not known, a
    // reset.
    for (auto& [kind, alike] : groups_) {
        for (auto* one : alike.members) {
            const auto before = kind.first == board_view::live ? live_before : shown_before;
            if (one->live_) {
                one->position_ = std::max(one->position_, before);
                one->every_event_ = true;
            }
            one->live_ = false;
            if (anew) begin_anew(*one);
            bring_forward(*one);
        }
    }
    if (anew) return wake_all();
    wake_waiters();
}

// Whoever has not begun yet begins with what there is then.
void live_board::begin_anew(subscription& one) {
    using stage = subscription::stage;
    if (one.stage_ == stage::recalling) one.stage_ = stage::beginning;
    one.reset_due_ = !one.awaits_ && one.stage_ != stage::beginning;
}

void live_board::rename(std::uint64_t board) {
    if (std::exchange(board_id_, board) == board) return;
    for (auto& [kind, alike] : groups_)
        for (auto* one : alike.members) {
            one->live_ = false;
            begin_anew(*one);
            bring_forward(*one);
        }
    wake_all();
}

void live_board::announce(const event_maker& make) {
    for (auto& [kind, alike] : groups_) {
        const auto event = make(board(kind.first).sequence());
        if (!alike.filter.matches(event->topic())) continue;
        for (auto* one : alike.members) {
            if (!one->live_) continue;
            one->sink_.on_event(one->position_ <= event->sequence() ? event : make(one->position_));
        }
    }
}

} // namespace stadion::net
