// Bugs put into a build of their own, to show that the tests can see them. In every other build there is
// nothing here: planted() is false when it is compiled.
#pragma once

#include <string_view>

namespace stadion::dbserver {

enum class bug {
    none,
    answers_before_sync,          // the journal's sync is left out
    publishes_before_sync,        // readers see what is not durable yet
    retries_failed_sync,          // … and believes the second answer
    no_directory_sync,            // of the checkpoint's directories
    no_rewrite_after_unclean,     // what was read is not written again before it is served
    leaves_torn_tail,             // behind the position where the next batch goes
    ignores_record_checksum,      //
    ignores_file_checksum,        // of tables, histories and keys
    loses_keys_at_checkpoint,     //
    removes_segments_too_early,   // before the checkpoint that replaces them is in force
    renames_before_manifest,      // table files are replaced before the checkpoint is in force
    forgets_history,              // steps are dropped that are not archived
    keeps_failed_drafts,          // a failed batch is not taken back from its tables
    forgets_freeze,               // the checkpoint does not say that the board is frozen
    loses_sessions_at_checkpoint, //
    forgets_keys_early,           // after half of their time
    confirms_too_much,            // the lowest open number of a session too
    goes_back_to_a_checkpoint,    // that may not be the one on the disk any more
    answers_from_waiting_states,  // a conflict with a state that is not durable is told at once
    ends,
};

#ifdef STADION_PLANTED_BUGS
inline bug planted_bug = bug::none;
inline bool planted(bug which) { return planted_bug == which; }
#else
constexpr bool planted(bug) { return false; }
#endif

} // namespace stadion::dbserver
