// The election lock: who may hold an election, under which epoch. Kept by the dispatcher.
//
// A pure state machine on the dispatcher's strand. A grant carries an epoch that only ever grows and a lease.
// The lock alone excludes nobody, since a holder may be paused past its lease: what excludes is that every
// receiver refuses a lower epoch (Kleppmann, "How to do distributed locking": fencing tokens).
//
// While a leader is healthy every request is refused, but for a challenger's after the leader's minimum
// tenure. A leader is taken for failed when the dispatcher has lost it (`set_members`, `lost`) or when a
// majority of the other members complain within a short window.
//
// Invariants: an epoch is granted once; `decision::persist` must be remembered (`to_remember`) before the
// answer leaves, so epochs never fall across restarts.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace stadion::clocksync {

enum class election_reason {
    periodic,      // the evaluation every T seconds, or no leader known
    leader_lost,   // the connection to the leader broke
    leader_silent, // the leader's beats stopped
    challenge,     // better by the margin in enough evaluations running
    requested,     // an operator's POST /newElection
};

// "periodic", "leader-lost", "leader-silent", "challenge", "requested": the `reason` field on the wire.
std::string_view to_string(election_reason reason);
election_reason election_reason_from(std::string_view text); // anything unknown is `requested`

struct lock_settings {
    duration lease = std::chrono::milliseconds(500);
    duration complaint_window = std::chrono::milliseconds(400);
    duration minimum_tenure = std::chrono::seconds(30);
    duration penalty = std::chrono::seconds(30); // a failed leader's handicap lasts this long
    planted_bug bug = planted_bug::none;
};

// What the dispatcher must remember.
struct lock_record {
    epoch_number epoch = 0;
    server_id leader = 0;

    friend bool operator==(const lock_record&, const lock_record&) = default;
};

// What must be on disk for `now` to be acted upon, given what is there; often that will do. A write takes as
// long as an election does: while nobody leads, the one that says so reserves a few epochs, and granting them
// needs no other. After a crash the reserved ones are skipped. With a leader the record is exact.
lock_record to_remember(const lock_record& on_disk, const lock_record& now);

struct lock_answer {
    bool granted = false;
    epoch_number epoch = 0; // granted, or the highest ever granted
    duration lease{0};
    server_id holder = 0;    // who is holding an election now
    server_id leader = 0;    // who leads under `epoch`, 0 while there is none
    server_id penalised = 0; // goes into PassElection: a leader that failed lately
};

struct lock_decision {
    std::optional<lock_record> persist; // remembered before the answer is sent
    lock_answer answer;
    // A leader that most of the others find silent, though the dispatcher has not lost it: paused, say. To be
    // taken out of the view before the answer is sent, or the ring would wait for it.
    server_id silenced = 0;
};

class election_lock {
public:
    election_lock(lock_settings settings, lock_record from, instant now);

    // `in_person`: by the server itself, on the connection on which it joined. Somebody else's word in its
    // name is no complaint, and is granted nothing while servers ask for themselves.
    lock_decision ask(instant now, server_id who, election_reason reason, bool in_person = true);

    // The holder, or the new leader itself, tells how the election ended; leader 0 gives up. A release under
    // any but the current epoch has no effect, nor has one that is not in person where the grant was. Returns
    // what to persist, if anything changed.
    std::optional<lock_record> release(instant now, server_id who, epoch_number epoch, server_id leader,
                                       bool in_person = true);

    // The view changed: a holder that left frees the lock, a leader that left has failed.
    std::optional<lock_record> set_members(instant now, const std::vector<member>& ring);

    // The dispatcher's own connection to a server broke, before the view says so.
    void lost(instant now, server_id who);

    // The dispatcher did not run for a while: what it hears for a moment was said during that, and whoever
    // still finds the leader lost or silent says so again.
    void stopped(instant now) { deaf_until_ = now + settings_.complaint_window; }

    const lock_record& record() const { return record_; }
    server_id holder(instant now) const { return now < lease_end_ ? holder_ : 0; }

private:
    bool leader_failed(instant now) const;
    bool may_hold(instant now, server_id who, election_reason reason, bool in_person) const;
    lock_decision grant(instant now, server_id who, bool after_failure);

    lock_settings settings_;
    lock_record record_;
    std::vector<member> ring_;
    server_id holder_ = 0;
    instant lease_end_{0};
    bool held_in_person_ = true;
    std::optional<instant> asked_in_person_; // when last
    instant leader_since_{0};
    bool leader_lost_ = false;
    instant deaf_until_{0};
    std::map<server_id, instant> complaints_;
    server_id penalised_ = 0;
    instant penalised_until_{0};
};

} // namespace stadion::clocksync
