// The holder's side of an election: a round of PassElection, a decision, its announcement.
#include "clocksync/election/election.hpp"

#include <algorithm>

namespace stadion::clocksync {

void election::start_round(instant now, const lock_answer& answer, election_actions& out) {
    note_epoch(now, answer.epoch, out);
    next_ask_ = never;
    round_ = round{answer.epoch, asked_at_ + answer.lease, now, answer.penalised};
    send_round(now, out);
}

// A message that was passed on to a member which the view has dropped since is lost. The next member gets it.
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

// Sends the current phase's message again, to the ring as it is now.
void election::send_round(instant now, election_actions& out) {
    round_->deadline = now + settings_.round_timeout;
    if (round_->leader != 0) {
        if (contains(ring_, round_->leader)) return announce_to_all(out);
        round_->leader = 0; // it died before anyone followed it
        return finish_round(out);
    }
    const double mine = frozen_score(round_->epoch, round_->penalised);
    const server_id next = successor();
    if (next == 0) return decide(now, self_, out);
    out.push_back(
        send_pass{next, pass_election{round_->epoch, self_, self_, mine, {self_}, round_->penalised, key_}});
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

void election::decide(instant now, server_id leader, election_actions& out) {
    round_->leader = leader;
    round_->deadline = now + settings_.round_timeout;
    forwarded_ = round_->epoch;
    adopt(now, round_->epoch, leader, out);
    if (const server_id next = successor())
        out.push_back(send_coordinator{next, coordinator_message{round_->epoch, leader, false, 0, key_}});
    else
        finish_round(out);
}

void election::finish_round(election_actions& out) {
    out.push_back(release_lock{round_->epoch, round_->leader});
    round_.reset();
}

void election::announce_to_all(election_actions& out) const {
    for (const ring_member& m : ring_)
        if (m.id != self_)
            out.push_back(
                send_coordinator{m.id, coordinator_message{round_->epoch, round_->leader, false, 0, key_}});
}

bool election::complete(const pass_election& message) const {
    if (settings_.bug == planted_bug::election_accepts_partial_round) return true;
    if (message.visited.size() != ring_.size()) return false;
    return std::ranges::all_of(ring_, [&](const ring_member& m) {
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
    const auto here = std::ranges::find(ring_, self_, &ring_member::id);
    if (here == ring_.end() || ring_.size() == 1) return 0;
    return (here + 1 == ring_.end() ? ring_.front() : *(here + 1)).id;
}

} // namespace stadion::clocksync
