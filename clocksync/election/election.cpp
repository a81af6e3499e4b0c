#include "clocksync/election/election.hpp"

#include <algorithm>
#include <utility>

namespace stadion::clocksync {

election::election(election_settings settings, server_id self, epoch_number known, ring_key key, instant now)
    : settings_(settings),
      self_(self),
      key_(key),
      born_(known),
      highest_(known),
      last_heard_(now),
      retry_(settings.ask_retry),
      next_evaluation_(now + settings.evaluate_every) {}

// ---- from the dispatcher

election_actions election::on_view(instant now, const fleet_view& view) {
    election_actions out;
    if (view.number < view_number_) return out;
    if (view.pending) { // the previous ring stands
        note_epoch(now, view.epoch, out);
        note_leader(now, view.epoch, view.leader, out);
        take_early(now, out);
        return out;
    }
    const bool changed = view.ring != ring_;
    const ring_member* const before = find_member(ring_, self_);
    const ring_member* const after = find_member(view.ring, self_);
    const bool was_dropped = before != nullptr && (after == nullptr || *after != *before);
    const ring_member* const led = find_member(ring_, leader_);
    const ring_member* const leads_now = find_member(view.ring, leader_);
    const bool unseated =
        view.leader == 0 && named_ != 0 && led != nullptr && leads_now != nullptr && *led != *leads_now;
    view_number_ = view.number;
    ring_ = view.ring;
    if (was_dropped) step_down(out); // before the new ring is used
    const bool under_way =
        view.epoch > highest_; // granted to somebody, perhaps to this server, whose answer is still to come
    note_epoch(now, view.epoch, out);
    if (unseated && view.epoch == highest_)
        follow_nobody(out); // it restarted and does not know that it leads
    note_leader(now, view.epoch, view.leader, out);

    if (!contains(ring_, self_)) {
        round_.reset();
        next_ask_ = never;
        return out;
    }
    if (before == nullptr) last_heard_ = now; // nobody sent it heartbeats before
    if (changed) send_on(out);
    if (round_ && changed) send_round(now, out);
    if (leader_ == 0 && !round_ && !under_way) ask(now, election_reason::periodic, out);
    if (leader_ != 0 && !contains(ring_, leader_))
        suspect(now, election_reason::leader_lost, out);
    else if (suspicion_)
        suspect(now, *suspicion_, out);
    take_early(now, out);
    return out;
}

election_actions election::on_lock_answer(instant now, const lock_answer& answer) {
    election_actions out;
    answer_due_ = never;
    if (answer.granted) {
        // A view may have brought the epoch already; nobody else can hold it.
        if (answer.epoch > highest_ || (answer.epoch == highest_ && leader_ == 0))
            start_round(now, answer, out);
        else // too late: the epoch has a leader, or there is a higher one
            ask_again_later(now);
        return out;
    }
    note_epoch(now, answer.epoch, out);
    if (contains(ring_, answer.leader)) note_leader(now, answer.epoch, answer.leader, out);
    if (leader_ == 0 || suspicion_) ask_again_later(now);
    take_early(now, out);
    return out;
}

election_actions election::on_lock_failed(instant now) {
    answer_due_ = never;
    if (leader_ == 0 || suspicion_) ask_again_later(now);
    return {};
}

// ---- from the peers

election_actions election::on_peer_down(instant now, server_id peer) {
    election_actions out;
    if (peer == leader_ && peer != 0) suspect(now, election_reason::leader_lost, out);
    return out;
}

election_actions election::on_pass(instant now, server_id from, pass_election message) {
    election_actions out;
    const bool stale = message.epoch < highest_ && settings_.bug != planted_bug::election_accepts_stale_pass;
    if (!is_from_ring(message.key) || stale) {
        out.push_back(refuse{from, highest_, leader_});
        return out;
    }
    if (message.epoch > highest_) {
        early_pass_.emplace(from, std::move(message));
        return out;
    }
    if (message.initiator == self_) {
        if (round_ && round_->epoch == message.epoch && round_->leader == 0 && complete(message))
            decide(now, message.best_id, out);
        return out;
    }
    // The score is frozen at the first sight of the epoch, also while the ring is empty here: the message
    // comes again.
    const double mine = frozen_score(message.epoch, message.penalised);
    const server_id next = successor();
    if (next == 0 || std::ranges::find(message.visited, self_) != message.visited.end()) return out;

    if (better(mine, self_, message)) {
        message.best_id = self_;
        message.best_score = mine;
    }
    message.visited.push_back(self_);
    message.key = key_;
    passed_on_ = send_pass{next, std::move(message)};
    out.push_back(*passed_on_);
    return out;
}

election_actions election::on_coordinator(instant now, server_id from, const coordinator_message& message) {
    election_actions out;
    const bool stale =
        message.epoch < highest_ && settings_.bug != planted_bug::election_accepts_stale_coordinator;
    const bool ours = is_from_ring(message.key);
    const bool known = leader_ != 0 && message.epoch == highest_ && message.leader == leader_;
    const bool granted = named_ == 0 || message.epoch != highest_ || message.leader == named_;
    const bool asks = message.beat && message.leader == self_;
    if (stale || (!ours && !known) || (ours && (!granted || (asks && !leads())))) {
        out.push_back(refuse{from, highest_, leader_});
        return out;
    }
    if (!ours || asks) return out;
    if (message.epoch > highest_) {
        early_coordinator_.emplace(from, message);
        return out;
    }
    const bool mine = round_ && round_->epoch == message.epoch;
    adopt(now, message.epoch, message.leader, out);
    if (message.beat) {
        if (message.leader == leader_) {
            last_heard_ = now;
            asked_until_ = never;
            leader_score_ = message.score;
            suspicion_.reset();
            next_ask_ = never;
        }
        return out;
    }
    if (mine) {
        finish_round(out);
    } else if (forwarded_ < message.epoch) {
        forwarded_ = message.epoch;
        if (const server_id next = successor()) {
            announced_ = send_coordinator{next, message};
            announced_->message.key = key_;
            out.push_back(*announced_);
        }
    }
    return out;
}

election_actions election::on_refused(instant now, epoch_number epoch) {
    election_actions out;
    note_epoch(now, epoch, out);
    return out;
}

void election::on_answer(instant now, server_id peer) {
    if (peer != leader_ || peer == 0) return;
    last_heard_ = now;
    asked_until_ = never;
    if (suspicion_ != election_reason::leader_silent) return;
    suspicion_.reset();
    next_ask_ = never;
}

election_actions election::on_requested(instant now) {
    election_actions out;
    ask(now, election_reason::requested, out);
    return out;
}

// ---- time

instant election::silence_ends() const {
    if (!awaits_beats() || !contains(ring_, leader_)) return never;
    return std::min(next_pulse_, asked_until_ != never ? asked_until_ : last_heard_ + settings_.silence);
}

instant election::deadline() const {
    return std::min({silence_ends(), next_beat_, next_ask_, answer_due_, next_evaluation_,
                     round_ ? round_->deadline : never, leader_ != named_ ? confirm_due_ : never});
}

election_actions election::tick(instant now) {
    election_actions out;
    if (const instant due = deadline(); now > due) { // this server was late by so much
        last_heard_ = std::min(now, last_heard_ + (now - due));
        if (asked_until_ != never) asked_until_ += now - due;
    }
    next_pulse_ = now + settings_.pulse;

    if (now >= answer_due_) {
        answer_due_ = never;
        if (leader_ == 0 || suspicion_) ask_again_later(now);
    }
    if (round_ && now >= round_->deadline) tick_round(now, out);
    if (now >= next_beat_) beat(now, out);
    if (now >= next_evaluation_) evaluate(now, out);
    look_at_silence(now, out);
    if (leader_ != named_ && now >= confirm_due_) confirm(now, out);
    if (now >= next_ask_) ask(now, suspicion_.value_or(election_reason::periodic), out);
    return out;
}

void election::look_at_silence(instant now, election_actions& out) {
    if (!awaits_beats() || now - last_heard_ < settings_.silence) return;
    if (asked_until_ == never) {
        asked_until_ = now + settings_.answer_within;
        out.push_back(ask_leader{leader_, coordinator_message{highest_, leader_, true, 0, key_}});
    } else if (now >= asked_until_) {
        asked_until_ = never;
        suspect(now, election_reason::leader_silent, out);
    }
}

// A leader reports its election again. A follower asks, and does what the dispatcher answers.
void election::confirm(instant now, election_actions& out) {
    confirm_due_ = now + settings_.lease;
    if (leads() && !round_) out.push_back(release_lock{highest_, self_});
    ask(now, election_reason::periodic, out);
}

void election::beat(instant now, election_actions& out) {
    const coordinator_message message{highest_, self_, true, score(), key_};
    for (const ring_member& m : ring_)
        if (m.id != self_) out.push_back(send_coordinator{m.id, message});
    next_beat_ = now + settings_.beat_every;
}

void election::evaluate(instant now, election_actions& out) {
    next_evaluation_ = now + settings_.evaluate_every;
    const bool challenger = leader_ != 0 && leader_ != self_ && leader_score_ > 0 &&
                            score() >= settings_.challenge_margin * leader_score_;
    challenge_run_ = challenger ? challenge_run_ + 1 : 0;
    if (suspicion_ || leader_ == self_) return;
    ask(now,
        challenge_run_ >= settings_.challenge_runs ? election_reason::challenge : election_reason::periodic,
        out);
}

// ---- asking for the lock

void election::ask(instant now, election_reason reason, election_actions& out) {
    next_ask_ = never;
    if (round_ || answer_due_ != never || !contains(ring_, self_)) return;
    asked_at_ = now;
    answer_due_ = now + settings_.ask_timeout;
    last_reason_ = reason;
    out.push_back(ask_lock{reason});
}

void election::ask_again_later(instant now) {
    next_ask_ = now + retry_;
    retry_ = std::min(retry_ * 2, settings_.ask_retry_max);
}

bool election::awaits_beats() const {
    return leader_ != 0 && leader_ != self_ && !suspicion_ && contains(ring_, self_);
}

// A server that suspects its leader goes on asking, since a request may be held back for a while: by a round
// that it holds, or because it is not in the ring.
void election::suspect(instant now, election_reason reason, election_actions& out) {
    if (!suspicion_) {
        suspicion_ = reason;
        retry_ = settings_.ask_retry;
    } else if (next_ask_ != never) {
        return;
    }
    ask(now, reason, out);
}

// ---- what is known

bool election::is_from_ring(ring_key shown) const {
    return clocksync::is_from_ring(key_, shown) || settings_.bug == planted_bug::election_believes_strangers;
}

void election::note_epoch(instant now, epoch_number epoch, election_actions& out) {
    if (epoch <= highest_) return;
    highest_ = epoch;
    if (round_) round_.reset();
    named_ = 0;
    suspicion_.reset();
    challenge_run_ = 0;
    retry_ = settings_.ask_retry;
    next_ask_ = now + settings_.silence; // in case the election under that epoch fails
    follow_nobody(out);
}

// The dispatcher names the leader; that overrules what was believed before.
void election::note_leader(instant now, epoch_number epoch, server_id leader, election_actions& out) {
    if (epoch != highest_ || leader == 0) return;
    named_ = leader;
    if (round_ && round_->leader != leader) round_.reset();
    adopt(now, epoch, leader, out);
}

// Handles the kept messages once the dispatcher has told of their epoch or of a higher one.
void election::take_early(instant now, election_actions& out) {
    const auto take = [&](auto& held, auto on_message) {
        if (!held || held->second.epoch > highest_) return;
        auto early = std::exchange(held, {});
        const election_actions more = on_message(early->first, std::move(early->second));
        out.insert(out.end(), more.begin(), more.end());
    };
    take(early_pass_, [&](server_id from, auto message) { return on_pass(now, from, std::move(message)); });
    take(early_coordinator_,
         [&](server_id from, const auto& message) { return on_coordinator(now, from, message); });
}

void election::follow_nobody(election_actions& out) {
    named_ = 0;
    next_beat_ = asked_until_ = confirm_due_ = never;
    if (leader_ == 0) return;
    leader_ = 0;
    out.push_back(leader_changed{highest_, 0});
}

// The dispatcher has dropped this server, so it no longer leads under this epoch.
void election::step_down(election_actions& out) {
    born_ = highest_;
    if (leads()) follow_nobody(out);
}

void election::adopt(instant now, epoch_number epoch, server_id leader, election_actions& out) {
    if (leader_ == leader) return;
    // A server that restarted under its old id has forgotten what it did as a leader; it may lead under an
    // epoch older than itself only if it took part in that election after its start.
    if (leader == self_ && epoch <= born_ && frozen_epoch_ != epoch) return;
    leader_ = leader;
    leader_score_ = 0;
    last_heard_ = now;
    next_pulse_ = now + settings_.pulse;
    next_beat_ = asked_until_ = never;
    confirm_due_ = now + settings_.lease;
    suspicion_.reset();
    next_ask_ = never;
    retry_ = settings_.ask_retry;
    out.push_back(leader_changed{epoch, leader});
    if (leader != self_) return;
    if (!round_) out.push_back(release_lock{epoch, self_}); // in case the initiator dies before it does
    beat(now, out);
}

void election::add_score_sample(double spare_capacity) {
    score_ = score_ ? *score_ + settings_.smoothing * (spare_capacity - *score_) : spare_capacity;
}

} // namespace stadion::clocksync
