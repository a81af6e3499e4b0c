// Ring election (Chang and Roberts 1979) under a lock with epochs: which server leads.
//
// A pure state machine, one per server, with one owner. Events go in, actions come out; `deadline()` says
// when `tick` is due.
//
// The problem: the members of a ring must agree on their best member, although members, links and the
// dispatcher fail, and a leader that was only paused may resume at any time. The dispatcher's lock
// (election_lock.hpp) gives one server at a time the right to hold an election, under an epoch that was never
// used before. The holder's PassElection visits the whole ring and returns with the best member. Its
// CoordinatorMessage then visits the ring and announces the leader: 2n messages in all. Afterwards the leader
// repeats CoordinatorMessage to every member as a heartbeat. So a server that missed the announcement, or
// joined later, learns of the leader, and the leader's silence is noticed.
//
// Trust: only what the dispatcher granted counts. `epoch()` rises when a view, an answer about the lock or a
// peer's refusal tells of a higher epoch. A peer's election message under a higher epoch is kept until then.
// The leader of an epoch is the one that the dispatcher names. Until it names one, a server follows the
// leader that CoordinatorMessage announced, and asks the dispatcher after every `lease`. A message without
// the ring key comes from outside the fleet. It is at most compared with what is known, and refused if it
// differs.
//
// Silence: a server that hears nothing from its leader may be late itself. So a follower's `tick` is due
// every `pulse`, and time by which a tick was late does not count as the leader's silence. A silent leader is
// asked first; one that answers is not suspected.
//
// Invariants: `epoch()` never falls. Nothing under a lower epoch has an effect; it is refused with the higher
// one, so a deposed leader learns that it is deposed. An epoch has one decision by one initiator. A server's
// score for an epoch is the one it had when it first saw that epoch.
#pragma once

#include "clocksync/election/election_lock.hpp"
#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace stadion::clocksync {

struct election_settings {
    duration evaluate_every = std::chrono::seconds(10);
    duration beat_every = std::chrono::milliseconds(50);
    duration silence = std::chrono::milliseconds(200);      // without a heartbeat, until the leader is asked
    duration answer_within = std::chrono::milliseconds(40); // for its answer, until it is suspected
    duration pulse = std::chrono::milliseconds(25);  // how often a follower checks whether it is late itself
    duration lease = std::chrono::milliseconds(500); // an unconfirmed leader is followed for so long
    duration ask_timeout = std::chrono::milliseconds(250);
    duration ask_retry = std::chrono::milliseconds(2); // doubled at each refusal
    duration ask_retry_max = std::chrono::milliseconds(50);
    duration round_timeout = std::chrono::milliseconds(50);
    double challenge_margin = 1.2; // a challenger must be better by this factor
    unsigned challenge_runs = 3;   // in so many evaluations in a row
    double penalty_factor = 0.5;   // for the score of a leader that failed lately
    double smoothing = 0.2;        // weight of a new score sample
    planted_bug bug = planted_bug::none;

    // The defaults, scaled to another `silence`.
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

// Peer.CoordinatorMessage. With `beat` it is a heartbeat and is not passed on round the ring. A follower also
// sends one to its leader, to ask whether it still leads.
struct coordinator_message {
    epoch_number epoch = 0;
    server_id leader = 0;
    bool beat = false;
    double score = 0; // of the leader, in heartbeats
    ring_key key = 0;
};

// Dispatcher.GetLeaderElectionLock. The answer goes to on_lock_answer or on_lock_failed.
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
// A heartbeat to the leader, as a question. Its answer goes to on_answer.
struct ask_leader {
    server_id to;
    coordinator_message message;
};
// Answers the message from `to` with FAILED_PRECONDITION, this epoch and this leader. At the other server the
// refusal goes to on_refused.
struct refuse {
    server_id to;
    epoch_number epoch;
    server_id leader;
};
// Follow this leader. Leader 0: there is none under this epoch yet.
struct leader_changed {
    epoch_number epoch;
    server_id leader;
};

using election_action =
    std::variant<ask_lock, release_lock, send_pass, send_coordinator, ask_leader, refuse, leader_changed>;
using election_actions = std::vector<election_action>;

class election {
public:
    // `known` is the epoch and `key` the ring key in the dispatcher's answer to Join.
    election(election_settings settings, server_id self, epoch_number known, ring_key key, instant now);
    void set_ring_key(ring_key key) { key_ = key; } // a dispatcher that lost its state has another

    election_actions on_view(instant now, const fleet_view& view);
    election_actions on_peer_down(instant now, server_id peer);
    election_actions on_lock_answer(instant now, const lock_answer& answer);
    election_actions on_lock_failed(instant now); // the dispatcher could not be asked
    election_actions on_pass(instant now, server_id from, pass_election message);
    election_actions on_coordinator(instant now, server_id from, const coordinator_message& message);
    election_actions on_refused(instant now, epoch_number epoch);
    void on_answer(instant now, server_id peer); // to ask_leader
    election_actions on_requested(instant now);  // by NewElection
    election_actions tick(instant now);          // at deadline() or later

    // A sample of this server's spare capacity. Any scale; higher is better.
    void add_score_sample(double spare_capacity);

    instant deadline() const;

    epoch_number epoch() const { return highest_; }
    server_id leader() const { return leader_; }
    bool leads() const { return leader_ == self_; }
    bool holds_round(epoch_number epoch) const { return round_ && round_->epoch == epoch; }
    double score() const { return score_.value_or(0); }
    epoch_number frozen_epoch() const { return frozen_epoch_; }  // of the last election it took part in
    double frozen_score() const { return frozen_; }              // its score in that election
    election_reason last_reason() const { return last_reason_; } // of this server's last request
    const std::vector<ring_member>& ring() const { return ring_; }

private:
    struct round {
        epoch_number epoch;
        instant lease_end;
        instant deadline;
        server_id penalised;
        server_id leader = 0; // once decided: it is being announced
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
    std::vector<ring_member> ring_;
    std::uint64_t view_number_ = 0;

    epoch_number born_; // known when this server entered the ring, or was last dropped from it
    epoch_number highest_;
    server_id leader_ = 0; // under highest_
    server_id named_ = 0;  // by the dispatcher, under highest_
    instant confirm_due_ = never;
    double leader_score_ = 0;
    instant last_heard_; // of the leader; moved on by the time that this server was late
    instant asked_until_ = never;
    instant next_pulse_ = never;
    std::optional<election_reason> suspicion_;
    election_reason last_reason_ = election_reason::periodic;

    std::optional<double> score_;
    epoch_number frozen_epoch_ = 0;
    double frozen_ = 0;
    unsigned challenge_run_ = 0;
    // What this server last passed on in elections that others held.
    epoch_number forwarded_ = 0; // of the last CoordinatorMessage
    std::optional<send_pass> passed_on_;
    std::optional<send_coordinator> announced_;
    // Messages under an epoch that the dispatcher has not told of yet.
    std::optional<std::pair<server_id, pass_election>> early_pass_;
    std::optional<std::pair<server_id, coordinator_message>> early_coordinator_;

    std::optional<round> round_;
    instant asked_at_{0};
    instant answer_due_ = never; // an ask is under way until then
    instant next_ask_ = never;
    duration retry_;
    instant next_evaluation_;
    instant next_beat_ = never;
};

} // namespace stadion::clocksync
