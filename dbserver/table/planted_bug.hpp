// Deliberate bugs for mutation testing: a build with STADION_PLANTED_BUGS shows that the tests detect them.
// In every other build planted() is a constant false and the bugs are compiled out.
#pragma once

#include <string_view>

namespace stadion::dbserver {

enum class bug {
    none,
    answers_before_sync,      // the journal is not synced
    publishes_before_sync,    // readers see states that are not durable yet
    retries_failed_sync,      // a second sync that succeeds is taken for success
    no_directory_sync,        // the checkpoint's directories are not synced
    no_rewrite_after_unclean, // the last batch is not written again before it is served
    leaves_torn_tail,         // a torn batch is not cut off
    ignores_record_checksum,
    ignores_file_checksum, // of tables, histories and keys
    loses_keys_at_checkpoint,
    removes_segments_too_early, // before the checkpoint that replaces them is in force
    renames_before_manifest,    // table files are replaced before the checkpoint is in force
    forgets_history,            // the checkpoint writes no lines to the histories
    keeps_failed_drafts,        // a failed batch is not rolled back in its tables
    forgets_freeze,             // the checkpoint does not say that the board is frozen
    loses_sessions_at_checkpoint,
    forgets_keys_early,          // after half of their retention time
    confirms_too_much,           // the lowest open number of a session counts as confirmed
    goes_back_to_a_checkpoint,   // after a failed rename or sync the older checkpoint is taken for the one in
                                 // force
    answers_from_waiting_states, // a conflict with a state that is not durable is reported at once
    ends,
};

#ifdef STADION_PLANTED_BUGS
inline bug planted_bug = bug::none;
inline bool planted(bug which) { return planted_bug == which; }
#else
constexpr bool planted(bug) { return false; }
#endif

} // namespace stadion::dbserver
