#include "net/board/live_board.hpp"

#include <algorithm>

namespace stadion::net {
namespace {

// A subscriber's position beyond this board is taken as valid after this time without an answer about the
// head.
constexpr std::chrono::milliseconds position_known_within{1'000};

constexpr std::size_t event_bytes_min = 32;     // counted for each event looked at
constexpr std::size_t states_at_a_time = 1'000; // looked up for a slow subscriber

} // namespace

// --- subscriptions ---

live_board::subscription::subscription(live_board& owner, board_subscriber& sink, const request& wanted)
    : owner_(owner),
      sink_(sink),
      group_key_(wanted.view, wanted.filter.topics()),
      lossless_(wanted.lossless) {
    auto& entry = owner_.groups_[group_key_];
    entry.filter = wanted.filter;
    entry.members.push_back(this);
    ++owner_.subscribers_;
}

live_board::subscription::~subscription() {
    if (waiter_) owner_.forget(*waiter_);
    const auto found = owner_.groups_.find(group_key_);
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

// Either this board is behind, or the position has never existed.
void live_board::start_later(subscription& one, const request& wanted) {
    auto& entry = wait(wanted.since.sequence, position_known_within, [this, &one, wanted](bool known) {
        one.waiter_ = nullptr;
        const bool same = wanted.since.is_of(board_id_);
        const bool exists = !known || wanted.since.sequence <= board_.sequence();
        begin(one, wanted, same && exists && board_of(one).holds_since(wanted.since.sequence));
    });
    one.waiter_ = &entry;
    ask_head_for(entry);
}

void live_board::begin(subscription& one, const request& wanted, bool resumes) {
    using kind = board_subscriber::start_kind;
    using stage = subscription::stage;
    const auto since = wanted.since.sequence;
    if (resumes) {
        one.position_ = since; // may be ahead of this view, which repeats nothing then
        one.every_event_ = true;
        one.stage_ = stage::states;
        one.sink_.on_start(kind::resumed, since, nullptr);
    } else {
        const auto now = board_of(one).sequence();
        one.position_ = now - std::min<std::uint64_t>(now, wanted.history);
        one.start_kind_ = since == 0 ? kind::snapshot : kind::reset;
        one.stage_ = since == 0 && wanted.history != 0 ? stage::history : stage::announcement;
    }
    catch_up(one);
}

// Sends from where the subscription stands, until it is live or its connection is congested. A message that
// is half sent is completed before anything else.
void live_board::catch_up(subscription& one) {
    if (one.live_ || one.waiter_ || one.turn_hook::is_linked()) return;
    one.sent_in_turn_ = 0;
    do {
        if (one.reset_due_ && one.stage_ != subscription::stage::states) {
            one.reset_due_ = false;
            one.start_kind_ = board_subscriber::start_kind::reset;
            one.stage_ = subscription::stage::announcement;
        }
        if (!send_beginning(one)) return;
    } while (one.reset_due_);
    const bool all = one.every_event_ || one.lossless_;
    if (!(all ? send_events(one, true) : send_newest(one))) return;
    one.position_ = std::max(one.position_, board_of(one).sequence());
    one.live_ = true;
    one.every_event_ = false;
}

bool live_board::may_send(subscription& one) {
    if (one.sink_.is_congested()) return false; // `resume` continues
    if (one.sent_in_turn_ < board_subscriber::piece_bytes) return true;
    wait_for_turn(one);
    return false;
}

void live_board::wait_for_turn(subscription& one) {
    const bool is_first = waiting_turn_.empty();
    waiting_turn_.push_back(one);
    if (is_first) run_turns();
}

// Each turn is for one subscriber.
void live_board::run_turns() {
    home_.run_in_turn([this, is_alive = is_alive_] {
        if (!*is_alive || waiting_turn_.empty()) return;
        auto& one = waiting_turn_.front();
        waiting_turn_.pop_front();
        if (!waiting_turn_.empty()) run_turns();
        catch_up(one);
    });
}

// Sends what comes before the events. True once all of it is sent.
bool live_board::send_beginning(subscription& one) {
    using stage = subscription::stage;
    if (one.stage_ == stage::history) {
        if (!send_events(one, false)) return false;
        one.stage_ = stage::announcement;
    }
    if (one.stage_ == stage::announcement) {
        if (one.sink_.is_congested()) return false;
        one.position_ = board_of(one).sequence();
        one.stage_ = stage::states;
        one.sink_.on_start(one.start_kind_, one.position_, states_of(one));
    }
    while (one.stage_ == stage::states) {
        if (!may_send(one)) return false;
        if (one.sink_.send_states())
            one.stage_ = stage::events;
        else
            one.sent_in_turn_ += board_subscriber::piece_bytes;
    }
    return true;
}

// Sends every event after the position. If some are no longer kept and `must_be_all` is set, a reset instead.
bool live_board::send_events(subscription& one, bool must_be_all) {
    const auto& filter = filter_of(one);
    const auto& seen = board_of(one);
    for (;;) {
        if (must_be_all && !seen.holds_since(one.position_)) {
            one.start_kind_ = board_subscriber::start_kind::reset;
            one.stage_ = subscription::stage::announcement;
            return send_beginning(one);
        }
        if (!may_send(one)) return false;
        const auto next = seen.next_after(one.position_);
        if (!next) return true;
        one.position_ = next->sequence();
        one.sent_in_turn_ += event_bytes_min; // also when it is skipped
        if (!is_for(one, filter, *next)) continue;
        one.sent_in_turn_ += next->payload().size();
        one.sink_.on_event(next);
    }
}

// Sends only the newest state per topic, in order of sequence, so that the position says what has been sent.
bool live_board::send_newest(subscription& one) {
    for (;;) {
        const auto states = board_of(one).states_after(one.position_, filter_of(one), states_at_a_time);
        for (const auto& state : states) {
            if (!may_send(one)) return false;
            one.sink_.on_event(state);
            one.sent_in_turn_ += state->payload().size();
            one.position_ = state->sequence();
        }
        if (states.size() < states_at_a_time) return true;
    }
}

shared_batch live_board::states_of(const subscription& one) {
    if (!last_start_.states || last_start_.of != one.group_key_)
        last_start_ = {one.group_key_,
                       std::make_shared<const event_batch>(board_of(one).states_after(0, filter_of(one)))};
    return last_start_.states;
}

// --- what happens ---

void live_board::apply(std::span<const board_event_ptr> events) {
    filled_ = true;
    for (const auto& event : events) {
        if (!board_.apply(event)) continue;
        last_start_.states.reset();
        deliver(event);
        const auto* marker = event->marker();
        if (marker && marker->frozen()) freeze(*marker);
        if (marker && !marker->frozen()) thaw();
    }
    wake_waiters();
}

void live_board::deliver(const board_event_ptr& event) {
    for (auto& [key, entry] : groups_) {
        if (key.first == board_view::shown && (frozen_ || event->marker())) continue;
        if (!entry.filter.matches(event->topic())) continue;
        for (auto* one : entry.members) {
            if (!one->live_ || event->sequence() <= one->position_) continue;
            one->sink_.on_event(event);
            if (one->sink_.is_congested()) {
                one->live_ = false;
                one->position_ = event->sequence();
            }
        }
    }
}

// A board that is frozen already is not frozen again.
void live_board::freeze(const v1::BoardState& state) {
    if (!frozen_) frozen_ = std::make_unique<frozen_board>(frozen_board{state, board_});
}

void live_board::thaw() {
    if (!frozen_) return;
    const auto seen = frozen_->shown.sequence();
    frozen_.reset();
    last_start_.states.reset();
    for (auto& [key, entry] : groups_) {
        if (key.first != board_view::shown) continue;
        for (auto* one : entry.members) {
            if (!one->live_) continue; // has not begun, or continues when it is no longer congested
            one->position_ = std::max(one->position_, seen);
            one->live_ = false;
            one->every_event_ = true;
            catch_up(*one);
        }
    }
}

v1::BoardState live_board::state() const {
    v1::BoardState now = frozen_ ? frozen_->state : v1::BoardState();
    now.set_sequence(board(board_view::shown).sequence());
    return now;
}

void live_board::replace(const board_snapshot& now) {
    last_start_.states.reset();
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
    // A live subscriber has missed what happened in between. It gets those events, or a reset when they are
    // not known.
    for (auto& [key, entry] : groups_) {
        for (auto* one : entry.members) {
            const auto before = key.first == board_view::live ? live_before : shown_before;
            if (one->live_) {
                one->position_ = std::max(one->position_, before);
                one->every_event_ = true;
            }
            one->live_ = false;
            if (anew) restart(*one);
            catch_up(*one);
        }
    }
    if (anew) return wake_all();
    wake_waiters();
}

// A subscription that has not begun yet needs no reset: it begins with the new board.
void live_board::restart(subscription& one) {
    using stage = subscription::stage;
    if (one.stage_ == stage::history) one.stage_ = stage::announcement;
    one.reset_due_ = !one.waiter_ && one.stage_ != stage::announcement;
}

void live_board::rename(std::uint64_t board) {
    if (std::exchange(board_id_, board) == board) return;
    for (auto& [key, entry] : groups_)
        for (auto* one : entry.members) {
            one->live_ = false;
            restart(*one);
            catch_up(*one);
        }
    wake_all();
}

void live_board::announce(const event_maker& make) {
    for (auto& [key, entry] : groups_) {
        const auto event = make(board(key.first).sequence());
        if (!entry.filter.matches(event->topic())) continue;
        for (auto* one : entry.members) {
            if (!one->live_) continue;
            one->sink_.on_event(one->position_ <= event->sequence() ? event : make(one->position_));
        }
    }
}

} // namespace stadion::net
