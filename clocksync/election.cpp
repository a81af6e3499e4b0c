#include "clocksync/election.hpp"

#include <algorithm>

namespace stadion::clocksync {

election::election(election_settings settings, server_id self, epoch_number known, instant now)
    : settings_(settings),
      self_(self),
      born_(known),
      highest_(known),
      last_heard_(now),
      retry_(settings.ask_retry),
      next_evaluation_(now + settings.evaluate_every) {}

// ---- what the dispatcher says

election_actions election::on_view(instant now, const fleet_view& view) {
    election_actions out;
    if (view.number < view_number_) return out;
    const bool changed = view.ring != ring_;
    const member* const before = find_member(ring_, self_);
    const member* const after = find_member(view.ring, self_);
    const bool was_dropped = before != nullptr && (after == nullptr || *after != *before);
    view_number_ = view.number;
    ring_ = view.ring;
    if (was_dropped) step_down(out); // before the ring takes us in again
    note_epoch(now, view.epoch, out);
    if (view.epoch == highest_ && view.leader != 0 && view.leader != self_ && leader_ == 0)
        adopt(now, view.epoch, view.leader, out);

    if (!contains(ring_, self_)) {
        round_.reset();
        next_ask_ = never;
        return out;
    }
    if (before == nullptr) last_heard_ = now; // nobody sent it beats before
    if (changed) send_on(out);
    if (round_ && changed) send_round(now, out);
    if (leader_ == 0 && !round_) ask(now, election_reason::periodic, out);
    if (leader_ != 0 && !contains(ring_, leader_))
        suspect(now, election_reason::leader_lost, out);
    else if (suspicion_)
        suspect(now, *suspicion_, out);
    return out;
}

election_actions election::on_lock_answer(instant now, const lock_answer& answer) {
    election_actions out;
    answer_due_ = never;
    if (answer.granted) {
        // A view may have told of the epoch before: nobody else can hold it.
        if (answer.epoch > highest_ || (answer.epoch == highest_ && leader_ == 0))
            start_round(now, answer, out);
        else // came too late: the fleet has gone on
            ask_again_later(now);
        return out;
    }
    note_epoch(now, answer.epoch, out);
    const bool news = answer.epoch == highest_ && answer.leader != 0 && answer.leader != self_;
    if (news && leader_ == 0 && contains(ring_, answer.leader)) adopt(now, answer.epoch, answer.leader, out);
    if (leader_ == 0 || suspicion_) ask_again_later(now);
    return out;
}

election_actions election::on_lock_failed(instant now) {
    answer_due_ = never;
    if (leader_ == 0 || suspicion_) ask_again_later(now);
    return {};
}

// ---- what the peers say

election_actions election::on_peer_down(instant now, server_id peer) {
    election_actions out;
    if (peer == leader_ && peer != 0) suspect(now, election_reason::leader_lost, out);
    return out;
}

election_actions election::on_pass(instant now, server_id from, pass_election message) {
    election_actions out;
    if (message.epoch < highest_ && settings_.bug != planted_bug::election_accepts_stale_pass) {
        out.push_back(refuse_stale{from, highest_});
        return out;
    }
    note_epoch(now, message.epoch, out);
    if (message.initiator == self_) {
        if (round_ && round_->epoch == message.epoch && round_->leader == 0 && complete(message))
            decide(now, message.best_id, out);
        return out;
    }
    // At first sight of the epoch, also by a server whose ring is still empty: it will be asked again.
    const double mine = frozen_score(message.epoch, message.penalised);
    const server_id next = successor();
    if (next == 0 || std::ranges::find(message.visited, self_) != message.visited.end()) return out;

    if (better(mine, self_, message)) {
        message.best_id = self_;
        message.best_score = mine;
    }
    message.visited.push_back(self_);
    passed_on_ = send_pass{next, std::move(message)};
    out.push_back(*passed_on_);
    return out;
}

election_actions election::on_coordinator(instant now, server_id from, const coordinator_message& message) {
    election_actions out;
    if (message.epoch < highest_ && settings_.bug != planted_bug::election_accepts_stale_coordinator) {
        out.push_back(refuse_stale{from, highest_});
        return out;
    }
    note_epoch(now, message.epoch, out);
    const bool mine = round_ && round_->epoch == message.epoch;
    adopt(now, message.epoch, message.leader, out);
    if (message.beat) {
        if (message.leader == leader_) {
            last_heard_ = now;
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

election_actions election::on_requested(instant now) {
    election_actions out;
    ask(now, election_reason::requested, out);
    return out;
}

// ---- time

instant election::deadline() const {
    const instant silent =
        awaits_beats() && contains(ring_, leader_) ? last_heard_ + settings_.silence : never;
    return std::min(
        {silent, next_beat_, next_ask_, answer_due_, next_evaluation_, round_ ? round_->deadline : never});
}

election_actions election::tick(instant now) {
    election_actions out;
    // A server that was itself paused must not blame the leader for the silence it slept through.
    if (const instant due = deadline(); due != never && now - due > settings_.silence / 2) last_heard_ = now;

    if (now >= answer_due_) {
        answer_due_ = never;
        if (leader_ == 0 || suspicion_) ask_again_later(now);
    }
    if (round_ && now >= round_->deadline) tick_round(now, out);
    if (now >= next_beat_) beat(now, out);
    if (now >= next_evaluation_) evaluate(now, out);
    if (awaits_beats() && now - last_heard_ >= settings_.silence)
        suspect(now, election_reason::leader_silent, out);
    if (now >= next_ask_) ask(now, suspicion_.value_or(election_reason::periodic), out);
    return out;
}

void election::tick_round(instant now, election_actions& out) {
    if (now >= round_->lease_end) { // another server may hold the lock by now
        round_.reset();
        if (leader_ == 0 || suspicion_) ask_again_later(now);
    } else if (round_->leader == 0) {
        send_round(now, out);
    } else { // the announcement got lost on its way round
        announce_to_all(out);
        finish_round(out);
    }
}

void election::beat(instant now, election_actions& out) {
    const coordinator_message message{highest_, self_, true, score()};
    for (const member& m : ring_)
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

// Whoever suspects goes on asking: what kept it from that - a round it held, being outside of the ring - may
// have ended since.
void election::suspect(instant now, election_reason reason, election_actions& out) {
    if (!suspicion_) {
        suspicion_ = reason;
        retry_ = settings_.ask_retry;
    } else if (next_ask_ != never) {
        return;
    }
    ask(now, reason, out);
}

// ---- holding an election

void election::start_round(instant now, const lock_answer& answer, election_actions& out) {
    note_epoch(now, answer.epoch, out);
    next_ask_ = never;
    round_ = round{answer.epoch, asked_at_ + answer.lease, now, answer.penalised};
    send_round(now, out);
}

// What went to a member that the view has dropped since went nowhere: the next one gets it.
void election::send_on(election_actions& out) {
    const server_id next = successor();
    if (passed_on_ && !contains(ring_, passed_on_->to)) {
        passed_on_->to = next;
        if (next != 0 && passed_on_->message.epoch == highest_ && leader_ == 0) out.push_back(*passed_on_);
    }
    if (announced_ && !contains(ring_, announced_->to)) {
        announced_->to = next;
        if (next != 0 && announced_->message.epoch == highest_) out.push_back(*announced_);
    }
}

// Sends the current phase's message out again, to the ring as it is now.
void election::send_round(instant now, election_actions& out) {
    round_->deadline = now + settings_.round_timeout;
    if (round_->leader != 0) {
        if (contains(ring_, round_->leader)) return announce_to_all(out);
        round_->leader = 0; // it died before anyone followed it: give the lock back, the epoch is spent
        return finish_round(out);
    }
    const double mine = frozen_score(round_->epoch, round_->penalised);
    const server_id next = successor();
    if (next == 0) return decide(now, self_, out);
    out.push_back(
        send_pass{next, pass_election{round_->epoch, self_, self_, mine, {self_}, round_->penalised}});
}

void election::decide(instant now, server_id leader, election_actions& out) {
    round_->leader = leader;
    round_->deadline = now + settings_.round_timeout;
    forwarded_ = round_->epoch;
    adopt(now, round_->epoch, leader, out);
    if (const server_id next = successor())
        out.push_back(send_coordinator{next, coordinator_message{round_->epoch, leader}});
    else
        finish_round(out);
}

void election::finish_round(election_actions& out) {
    out.push_back(release_lock{round_->epoch, round_->leader});
    round_.reset();
}

void election::announce_to_all(election_actions& out) const {
    for (const member& m : ring_)
        if (m.id != self_)
            out.push_back(send_coordinator{m.id, coordinator_message{round_->epoch, round_->leader}});
}

bool election::complete(const pass_election& message) const {
    if (settings_.bug == planted_bug::election_accepts_partial_round) return true;
    if (message.visited.size() != ring_.size()) return false;
    return std::ranges::all_of(ring_, [&](const member& m) {
        return std::ranges::find(message.visited, m.id) != message.visited.end();
    });
}

bool election::better(double score, server_id id, const pass_election& than) const {
    if (settings_.bug == planted_bug::election_prefers_last) return true;
    if (score != than.best_score) return score > than.best_score;
    return settings_.bug == planted_bug::election_ties_to_higher_id ? id > than.best_id : id < than.best_id;
}

double election::frozen_score(epoch_number epoch, server_id penalised) {
    if (frozen_epoch_ != epoch || settings_.bug == planted_bug::election_keeps_no_frozen_score) {
        frozen_epoch_ = epoch;
        frozen_ = score() * (penalised == self_ ? settings_.penalty_factor : 1.0);
    }
    return frozen_;
}

server_id election::successor() const {
    const auto here = std::ranges::find(ring_, self_, &member::id);
    if (here == ring_.end() || ring_.size() == 1) return 0;
    return (here + 1 == ring_.end() ? ring_.front() : *(here + 1)).id;
}

// ---- what is known

void election::note_epoch(instant now, epoch_number epoch, election_actions& out) {
    if (epoch <= highest_) return;
    highest_ = epoch;
    if (round_) round_.reset();
    next_beat_ = never;
    suspicion_.reset();
    challenge_run_ = 0;
    retry_ = settings_.ask_retry;
    next_ask_ = now + settings_.silence; // should the election under that epoch come to nothing
    if (leader_ == 0) return;
    leader_ = 0;
    out.push_back(leader_changed{epoch, 0});
}

// The dispatcher has given us up, and with us what we led: under this epoch we lead no more.
void election::step_down(election_actions& out) {
    born_ = highest_;
    if (leader_ != self_) return;
    leader_ = 0;
    next_beat_ = never;
    out.push_back(leader_changed{highest_, 0});
}

void election::adopt(instant now, epoch_number epoch, server_id leader, election_actions& out) {
    if (leader_ == leader) return;
    // A server that restarted under its old id has forgotten what it did as a leader; it may lead under an
    // epoch older than itself only if it took part in that election after its start.
    if (leader == self_ && epoch <= born_ && frozen_epoch_ != epoch) return;
    leader_ = leader;
    leader_score_ = 0;
    last_heard_ = now;
    suspicion_.reset();
    next_ask_ = never;
    retry_ = settings_.ask_retry;
    out.push_back(leader_changed{epoch, leader});
    if (leader != self_) return;
    if (!round_) out.push_back(release_lock{epoch, self_}); // should the initiator die before it tells
    beat(now, out);
}

void election::add_score_sample(double spare_capacity) {
    score_ = score_ ? *score_ + settings_.smoothing * (spare_capacity - *score_) : spare_capacity;
}

} // namespace stadion::clocksync
