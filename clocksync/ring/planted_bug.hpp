// Bugs that tests plant, to prove that the simulator's invariants detect them.
//
// Each state machine takes the bug in its settings. Production always passes `none`. The simulator must
// detect each one within a budget of seeds.
#pragma once

namespace stadion::clocksync {

enum class planted_bug {
    none,
    election_accepts_stale_pass,        // no epoch check on PassElection
    election_accepts_stale_coordinator, // no epoch check on CoordinatorMessage
    election_prefers_last,              // every server takes itself for the best
    election_ties_to_higher_id,
    election_accepts_partial_round, // the initiator decides without having heard of everyone
    election_believes_strangers,    // messages without the ring key count
    election_keeps_no_frozen_score, // the score is read afresh at each sight of the epoch
    lock_grants_while_healthy,
    lock_grants_same_epoch, // the epoch does not grow with a grant
    lock_forgets_epoch,     // the epoch is lost when the dispatcher restarts
    lock_ignores_tenure,
    ring_forgets_its_pause,       // after a pause, servers whose connections closed meanwhile are dropped
    membership_keeps_incarnation, // a dropped server comes back under its old incarnation
    order_delivers_agreed,        // a message is delivered before every member holds it
    order_ignores_gap,            // a lost frame is not noticed
    order_breaks_ties_locally,    // equal timestamps are ordered differently on each server
    order_resends_after_new,      // after a view change, new messages overtake old ones
    order_renumbers_resent,       // messages sent again get new numbers
    order_confirms_incomplete,    // confirmed before the missing messages have come
    order_no_origin_check,        // no duplicate check by (origin, incarnation, number)
    order_accepts_stale_stop,     // no epoch check on the view change
    order_commits_early,          // commit before all have confirmed
    order_newcomer_without_table, // the newcomer gets no duplicate table
    order_believes_strangers,
    raffle_no_client_check, // no duplicate check by (client, request)
    raffle_counts_run_once, // a run of several requests counts as one
    clock_accepts_stale_epoch,
    clock_believes_strangers,
    clock_steps_in_service,
    clock_slews_too_fast,
    clock_bound_without_delay, // the bound forgets half of the round trip
    clock_bound_without_age,   // the bound does not grow
    clock_corrects_twice,      // a correction is added to what is still being slewed
};

} // namespace stadion::clocksync
