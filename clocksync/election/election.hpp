// Ring election (Chang and Roberts, made safe by a lock with epochs): who leads the strands.
//
// A pure state machine, one per server, on that server's strand. Events in, actions out; `deadline()` is the
// only timer. The problem: the members of a ring must agree on their best member while members, links and
// the dispatcher fail, and while a leader that was merely paused may wake up at any time. The dispatcher's
// lock gives one server at a time the right to hold an election, under an epoch never used before. The
// holder's PassElection visits the whole ring and comes back with the best; its CoordinatorMessage visits the
// whole ring and makes it known: 2n messages. The leader then repeats CoordinatorMessage to everyone as a
// beat, so a server that missed the ring's copy, or joined later, learns it too, and silence is noticed.
//
// Only what the dispatcher granted counts. `epoch()` rises by its word alone (a view, an answer about the
// lock, or the refusal of a peer, which has it from there); a peer's message under an epoch that it has not
// told of yet waits for it. The leader under an epoch is the one it names; until it names one, the message of
// the epoch's holder does for a lease. Who follows somebody it has not named for so long asks it, and does
// what it says. A message without the ring's key is a stranger's and at most compared with what is known.
//
// Silence is judged by whoever hears nothing, so it takes its own lateness off: `tick` comes every `pulse`,
// and what it comes too late by, this server did not listen. Then the leader is asked; one that answers is
// not gone.
//
// Invariants: `epoch()` never falls; nothing that carries a lower epoch has an effect, it is refused with the
// higher one, so a deposed leader learns of its deposition; an epoch has one decision by one initiator; a
// server's score for an epoch is the one it had at the first sight of that epoch.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace stadion::clocksync {

struct election_settings {
    duration evaluate_every = std::chrono::seconds(10); // T
    duration beat_every = std::chrono::milliseconds(50);
    duration silence = std::chrono::milliseconds(200);      // without a beat: the leader is asked …
    duration answer_within = std::chrono::milliseconds(40); // … and without an answer suspected
    duration pulse = std::chrono::milliseconds(25);  // how often a follower looks whether it is late itself
    duration lease = std::chrono::milliseconds(500); // an unconfirmed leader is followed for so long
    duration ask_timeout = std::chrono::milliseconds(250);
    duration ask_retry = std::chrono::milliseconds(2); // doubled at each refusal
    duration ask_retry_max = std::chrono::milliseconds(50);
    duration round_timeout = std::chrono::milliseconds(50);
    double challenge_margin = 1.2; // a challenger must be better by this factor …
    unsigned challenge_runs = 3;   // … in so many evaluations running
    double penalty_factor = 0.5;   // what a leader that failed lately has its score multiplied by
    double smoothing = 0.2;        // weight of a new score sample
    planted_bug bug = planted_bug::none;

    // The waits in their usual proportion to the time after which a silent leader is suspected.
    static election_settings with_silence(duration silence) {
        election_settings settings;
        settings.silence = silence;
        settings.beat_every = settings.round_timeout = silence / 4;
        settings.answer_within = silence / 5;
        settings.pulse = silence / 8;
        settings.lease = silence * 5 / 2;
        settings.ask_timeout = silence * 5 / 4;
        return settings;
    }
};

// Peer.PassElection.
struct pass_election {
    epoch_number epoch = 0;
    server_id initiator = 0;
    server_id best_id = 0;
    double best_score = 0;
    std::vector<server_id> visited;
    server_id penalised = 0;
    ring_key key = 0;
};

// Peer.CoordinatorMessage. A beat is the leader's repetition, which is not passed on; sent to the leader
// itself it asks whether it still leads.
struct coordinator_message {
    epoch_number epoch = 0;
    server_id leader = 0;
    bool beat = false;
    double score = 0; // of the leader, in beats
    ring_key key = 0;
};

// Dispatcher.GetLeaderElectionLock; answer with on_lock_answer or on_lock_failed.
struct ask_lock {
    election_reason reason;
};
// Dispatcher.ReleaseLeaderElectionLock; nobody waits for the answer.
struct release_lock {
    epoch_number epoch;
    server_id leader;
};
struct send_pass {
    server_id to;
    pass_election message;
};
struct send_coordinator {
    server_id to;
    coordinator_message message;
};
// A beat, sent to the leader; an answer arrives as on_answer.
struct ask_leader {
    server_id to;
    coordinator_message message;
};
// What arrived from `to` is not so: answer FAILED_PRECONDITION, this epoch and leader; that arrives as
// on_refused.
struct refuse {
    server_id to;
    epoch_number epoch;
    server_id leader;
};
// The decision. Leader 0: the old one is deposed and the new one not known yet.
struct leader_changed {
    epoch_number epoch;
    server_id leader;
};

using election_action =
    std::variant<ask_lock, release_lock, send_pass, send_coordinator, ask_leader, refuse, leader_changed>;
using election_actions = std::vector<election_action>;

class election {
public:
    // `known` and `key` are in the dispatcher's answer to Join.
    election(election_settings settings, server_id self, epoch_number known, ring_key key, instant now);
    void set_ring_key(ring_key key) { key_ = key; } // of a dispatcher that has forgotten the old one

    election_actions on_view(instant now, const fleet_view& view);
    election_actions on_peer_down(instant now, server_id peer);
    election_actions on_lock_answer(instant now, const lock_answer& answer);
    election_actions on_lock_failed(instant now); // the dispatcher could not be asked
    election_actions on_pass(instant now, server_id from, pass_election message);
    election_actions on_coordinator(instant now, server_id from, const coordinator_message& message);
    election_actions on_refused(instant now, epoch_number epoch);
    void on_answer(instant now, server_id peer); // to ask_leader
    election_actions on_requested(instant now);  // NewElection
    election_actions tick(instant now);          // at deadline() or later

    // A sample of this server's spare capacity, any scale, higher is better.
    void add_score_sample(double spare_capacity);

    instant deadline() const;

    epoch_number epoch() const { return highest_; }
    server_id leader() const { return leader_; }
    bool leads() const { return leader_ == self_; }
    bool holds_round(epoch_number epoch) const { return round_ && round_->epoch == epoch; }
    double score() const { return score_.value_or(0); }
    epoch_number frozen_epoch() const { return frozen_epoch_; } // the last it took part in an election of …
    double frozen_score() const { return frozen_; }             // … with this
    election_reason last_reason() const { return last_reason_; } // of this server's last request
    const std::vector<member>& ring() const { return ring_; }

private:
    struct round {
        epoch_number epoch;
        instant lease_end;
        instant deadline;
        server_id penalised;
        server_id leader = 0; // decided: being announced
    };

    bool is_from_ring(ring_key shown) const;
    void note_epoch(instant now, epoch_number epoch, election_actions& out);
    void note_leader(instant now, epoch_number epoch, server_id leader, election_actions& out);
    void take_early(instant now, election_actions& out);
    void confirm(instant now, election_actions& out);
    void look_at_silence(instant now, election_actions& out);
    void adopt(instant now, epoch_number epoch, server_id leader, election_actions& out);
    void follow_nobody(election_actions& out);
    void step_down(election_actions& out);
    void ask(instant now, election_reason reason, election_actions& out);
    void ask_again_later(instant now);
    bool awaits_beats() const;
    instant silence_ends() const;
    void suspect(instant now, election_reason reason, election_actions& out);
    void start_round(instant now, const lock_answer& answer, election_actions& out);
    void send_round(instant now, election_actions& out);
    void send_on(election_actions& out);
    void decide(instant now, server_id leader, election_actions& out);
    void finish_round(election_actions& out);
    void announce_to_all(election_actions& out) const;
    void beat(instant now, election_actions& out);
    void evaluate(instant now, election_actions& out);
    void tick_round(instant now, election_actions& out);
    bool complete(const pass_election& message) const;
    bool better(double score, server_id id, const pass_election& than) const;
    double frozen_score(epoch_number epoch, server_id penalised);
    server_id successor() const;

    election_settings settings_;
    server_id self_;
    ring_key key_;
    std::vector<member> ring_;
    std::uint64_t view_number_ = 0;

    epoch_number born_; // the epoch known when this server entered the ring
    epoch_number highest_;
    server_id leader_ = 0; // under highest_
    server_id named_ = 0;  // by the dispatcher, under highest_
    instant confirm_due_ = never;
    double leader_score_ = 0;
    instant last_heard_; // less our own lateness
    instant asked_until_ = never;
    instant next_pulse_ = never;
    std::optional<election_reason> suspicion_;
    election_reason last_reason_ = election_reason::periodic;

    std::optional<double> score_;
    epoch_number frozen_epoch_ = 0;
    double frozen_ = 0;
    unsigned challenge_run_ = 0;
    epoch_number forwarded_ = 0;                // the last epoch whose CoordinatorMessage went on from here
    std::optional<send_pass> passed_on_;        // the last of each that others began and this server
    std::optional<send_coordinator> announced_; // sent on
    std::optional<std::pair<server_id, pass_election>> early_pass_; // under an epoch that the dispatcher has
    std::optional<std::pair<server_id, coordinator_message>> early_coordinator_; // not told of yet

    std::optional<round> round_;
    instant asked_at_{0};
    instant answer_due_ = never; // an ask is under way until then
    instant next_ask_ = never;
    duration retry_;
    instant next_evaluation_;
    instant next_beat_ = never;
};

} // namespace stadion::clocksync
