// The election lock: which server may hold an election, and under which epoch. The dispatcher keeps it.
//
// A pure state machine with one owner. A grant carries a lease, and an epoch higher than all before. The
// lease alone excludes nobody, since its holder may be paused beyond it. Receivers exclude: they refuse lower
// epochs (Kleppmann, "How to do distributed locking": fencing tokens).
//
// While a leader is healthy every request is refused, except a challenger's after the leader's minimum
// tenure. A leader has failed when it is no longer in the ring, or when a majority of the other members
// complain about it within `complaint_window`.
//
// Invariants: an epoch is granted once. `lock_decision::persist` must be on disk (see `to_persist`) before
// the answer leaves, so epochs never fall across restarts.
#pragma once

#include "clocksync/ring/planted_bug.hpp"
#include "clocksync/ring/types.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace stadion::clocksync {

enum class election_reason {
    periodic,      // the periodic evaluation, or no leader is known
    leader_lost,   // the connection to the leader broke
    leader_silent, // the leader's beats stopped
    challenge,     // better by the margin in enough evaluations in a row
    requested,     // an operator's POST /newElection
};

// "periodic", "leader-lost", "leader-silent", "challenge", "requested": the `reason` field on the wire.
std::string_view to_string(election_reason reason);
election_reason election_reason_from(std::string_view text); // anything unknown is `requested`

struct lock_settings {
    duration lease = std::chrono::milliseconds(500);
    duration complaint_window = std::chrono::milliseconds(400);
    duration minimum_tenure = std::chrono::seconds(30);
    duration penalty = std::chrono::seconds(30); // how long the score of a failed leader is reduced
    planted_bug bug = planted_bug::none;
};

// What the dispatcher persists.
struct lock_record {
    epoch_number epoch = 0;
    server_id leader = 0;

    friend bool operator==(const lock_record&, const lock_record&) = default;
};

// What must be on disk before `now` is acted upon, given what is on disk; often that is enough already. A
// write takes as long as an election. So while nobody leads, the record on disk reserves some epochs in
// advance, and grants within them need no write. A restarted dispatcher skips the reserved ones. While
// somebody leads, the record on disk is exact.
lock_record to_persist(const lock_record& on_disk, const lock_record& now);

struct lock_answer {
    bool granted = false;
    epoch_number epoch = 0; // granted, or the highest ever granted
    duration lease{0};
    server_id holder = 0;    // who is holding an election now
    server_id leader = 0;    // who leads under `epoch`, 0 while there is none
    server_id penalised = 0; // goes into PassElection: a leader that failed lately
};

struct lock_decision {
    std::optional<lock_record> persist; // to be on disk before the answer is sent
    lock_answer answer;
    // A leader that most of the others report silent while the dispatcher is still connected to it, for
    // example because it is paused. The caller takes it out of the view before the answer is sent; else the
    // election would wait for it.
    server_id silenced = 0;
};

class election_lock {
public:
    election_lock(lock_settings settings, lock_record from, instant now);

    // `on_own_connection`: the request came on the connection on which `who` joined. Any other request in its
    // name is no complaint, and is granted only if no server has asked on its own connection for a lease.
    lock_decision ask(instant now, server_id who, election_reason reason, bool on_own_connection = true);

    // The holder or the new leader reports how the election ended; leader 0 gives the lock back. A release
    // has no effect under another epoch than the current one, nor if it did not come on the server's own
    // connection and the grant did. Returns what to persist, if anything changed.
    std::optional<lock_record> release(instant now, server_id who, epoch_number epoch, server_id leader,
                                       bool on_own_connection = true);

    // The view changed. A holder that left frees the lock. A leader that left, or came back as another
    // incarnation, has failed. Returns what to persist, if anything changed.
    std::optional<lock_record> set_members(instant now, const std::vector<ring_member>& ring);

    // The dispatcher did not run for a while. Complaints that arrive within the next `complaint_window` may
    // be from that time and are ignored. A server that still misses its leader complains again.
    void note_pause(instant now) { complaints_ignored_until_ = now + settings_.complaint_window; }

    const lock_record& record() const { return record_; }
    server_id holder(instant now) const { return now < lease_end_ ? holder_ : 0; }

private:
    bool leader_failed(instant now) const;
    bool may_hold(instant now, server_id who, election_reason reason, bool on_own_connection) const;
    lock_decision grant(instant now, server_id who, bool after_failure);

    lock_settings settings_;
    lock_record record_;
    std::vector<ring_member> ring_;
    server_id holder_ = 0;
    instant lease_end_{0};
    bool granted_on_own_connection_ = true;
    std::optional<instant> asked_on_own_connection_; // when last
    instant leader_since_{0};
    instant complaints_ignored_until_{0};
    std::map<server_id, instant> complaints_;
    server_id penalised_ = 0;
    instant penalised_until_{0};
};

} // namespace stadion::clocksync
