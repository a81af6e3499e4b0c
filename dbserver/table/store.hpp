// The one interface through which the database server's data is read and written.
//
// The problem: many callers update small tables (one per game, one per team) and expect that an update that
// was answered with success survives anything, exactly once; readers expect an answer from memory; feeds
// expect every change once, in order. An engine (JSON files with a journal, memory, later others) implements
// this class and keeps these promises:
//
//  * An update is visible - to load, scan, watch, its completion - only once it is durable.
//  * Sequences are given in the order of the journal, without gaps between what is published; the order of
//    the journal is the order of events.
//  * A key that a caller gave is known for a day from its commit; beyond a bound it is new keys that are
//    refused. A number of a session is known until it is confirmed.
//  * A mutation that is not APPLIED or DUPLICATE has no effect, but for UNKNOWN, where only repeating it with
//    the same idempotency key tells.
//
// Threads: every function may be called from any thread, except that a sink must not call watch or end a
// subscription, and neither a sink nor a completion may block: they run on the engine's journal thread.
#pragma once

#include "dbserver/table/state.hpp"
#include "dbserver/table/write_sessions.hpp"
#include "wire/result.hpp"

#include "wire/proto/database.pb.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::dbserver {

// UNIX time in microseconds, cluster time. Called with a lock held: must be quick and not call the store.
using clock_us = std::function<std::int64_t()>;

// Whose eyes look at the board: while it is frozen, the public sees it as it stood; a scorer sees it as it
// is.
enum class audience { everyone, scorer };

using result_code = v1::Outcome::Result;

// What became of one mutation.
struct outcome {
    result_code result = v1::Outcome::UNKNOWN;
    std::uint64_t sequence = 0;         // APPLIED, DUPLICATE: the commit that made `state`
    state_ptr state;                    // APPLIED, DUPLICATE: what was made; CONFLICT: what is there, or null
    std::optional<wire::error> failure; // every other result
};

v1::Outcome to_message(const outcome& what);

using completion = std::function<void(std::vector<outcome>)>;

enum class event_kind : std::uint8_t {
    update,   // a table has a new state
    reversal, // the same, made by undoing the commit `reverses`
    frozen,   // from here on the public view stands still; state is null
    thawed,   // the public view is the scorer's view again; state is null
};

struct event {
    std::uint64_t sequence = 0;
    event_kind kind = event_kind::update;
    std::uint64_t reverses = 0;
    std::int64_t at_us = 0;
    state_ptr state;
};

// The commit that froze the board, and its time.
struct freeze_point {
    std::uint64_t sequence = 0;
    std::int64_t at_us = 0;
};

using sink = std::function<void(std::span<const event>)>;

// Ends the watching when it goes. After that the sink is not running and will not be called.
class subscription {
public:
    subscription() = default;
    explicit subscription(std::function<void()> end) : end_(std::move(end)) {}
    subscription(subscription&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    subscription& operator=(subscription&& other) noexcept {
        std::swap(end_, other.end_);
        return *this;
    }
    ~subscription() {
        if (end_) end_();
    }

private:
    std::function<void()> end_;
};

// One step in the life of a table.
struct change {
    std::uint64_t sequence = 0;
    std::uint32_t version = 0;
    std::int64_t at_us = 0;
    std::string operation;         // update_score, replace_score, increment_medal, replace_tally, reversal
    std::string details;           // the logical mutation: a JSON object
    std::uint64_t reverses = 0;    // a reversal: of which commit
    std::uint64_t reversed_by = 0; // the reversal that undid this one, if any
    std::string reason;            // a reversal's
    state_ptr state;               // what it made
};

struct page {
    std::string_view after; // names after this one; empty: from the first
    std::size_t limit = 1000;
};

enum class condition {
    serving,
    disk_full, // writes are refused until space comes back, by itself
    poisoned,  // what is on disk is not known; writes are refused until the process is started anew
    stopped,
};

// Whether a store in the one condition may come to be in the other. Nothing leads out of `poisoned`, whatever
// fails or succeeds afterwards, and nothing but it out of `stopped`.
constexpr bool may_become(condition from, condition to) noexcept {
    if (from == condition::poisoned) return false;
    return from != condition::stopped || to == condition::poisoned;
}

struct health_report {
    condition state = condition::serving;
    std::string detail; // a sentence for a person; empty when serving
    bool frozen = false;
    std::uint64_t sequence = 0;            // the last published
    std::uint64_t checkpoint_sequence = 0; // everything up to here is in the table files
    std::uint64_t batches = 0;             // journal writes with their sync
    std::uint64_t mutations = 0;           // applied since start
    std::uint64_t pending_mutations = 0;
    std::uint64_t pending_bytes = 0;
    std::uint64_t tables = 0;
    std::uint64_t segments = 0;
    std::uint64_t idempotency_keys = 0;
    std::uint64_t sessions = 0;
    std::vector<std::string> warnings; // what recovery cut or repaired, failed checkpoints
};

class store {
public:
    virtual ~store() = default;
    store() = default;
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // Applies the mutations in order, each on its own merits. `done` is called exactly once: on the journal
    // thread after all that applied is durable and published and the sinks have had their events; or, when
    // nothing needed the journal, from within this call.
    // Mutations that have a number are numbered in that session.
    virtual void commit(std::vector<v1::Mutation> mutations, completion done,
                        const numbering& numbered_in = {}) = 0;

    // Another one at every call. RESOURCE_EXHAUSTED when there are too many.
    virtual wire::result<session_id> begin_session() = 0;

    // The published state of a table ("games/hockey"), or null.
    virtual state_ptr load(std::string_view table, audience who = audience::everyone) const = 0;

    // Published states whose name begins with the prefix, in the order of names.
    virtual std::vector<state_ptr> scan(std::string_view prefix, page which = {},
                                        audience who = audience::everyone) const = 0;

    // The same as the board stood at that time. DATA_LOSS when the history cannot be read.
    virtual wire::result<state_ptr> load_at(std::string_view table, std::int64_t at_us,
                                            audience who = audience::everyone) const = 0;
    virtual wire::result<std::vector<state_ptr>> scan_at(std::string_view prefix, std::int64_t at_us,
                                                         page which = {},
                                                         audience who = audience::everyone) const = 0;

    // The states of a table in order, those with a version above `after_version`. NOT_FOUND when there is
    // none.
    virtual wire::result<std::vector<change>> history(std::string_view table, std::uint32_t after_version = 0,
                                                      std::size_t limit = 1000,
                                                      audience who = audience::everyone) const = 0;

    // From now on every published batch goes to the sink, in sequence order, before the batch's completions.
    // The events are the scorer's; between `frozen` and `thawed` the public must not be shown them.
    [[nodiscard]] virtual subscription watch(sink to) = 0;

    // The retained events after `since`, oldest first, at most `limit`; nothing when some of them are gone.
    virtual std::optional<std::vector<event>> events_since(std::uint64_t since,
                                                           std::size_t limit = SIZE_MAX) const = 0;

    // The last published.
    virtual std::uint64_t sequence() const = 0;

    // The board is frozen since then; nothing when it is not.
    virtual std::optional<freeze_point> frozen_since() const = 0;

    virtual health_report health() const = 0;

    // Refuses further commits, finishes those accepted, makes a last checkpoint, and returns when no thread
    // of the engine runs any more. The destructor does it too.
    virtual void stop() = 0;
};

// Mutations as callers have them.
v1::Mutation make_reversal(std::uint64_t sequence, std::string reason, std::string idempotency_key = {});
v1::Mutation make_freeze(bool frozen, std::string idempotency_key = {});

// One mutation, and wait for its outcome. Not for a thread that must not block.
outcome commit_and_wait(store& to, v1::Mutation mutation, const numbering& numbered_in = {});

} // namespace stadion::dbserver
