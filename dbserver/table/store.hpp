// The interface through which the database server's data is read and written.
//
// The problem: many callers update small tables, one per game and one per team. An update that was answered
// with success must survive any crash, and must be applied exactly once. Reads of current states must be
// answered from memory. Feeds must carry every change once, in order. An engine implements this class
// (engine/json_store.hpp, engine/memory_store.hpp) and guarantees:
//
//  * An update becomes visible - to load, scan, watch and its completion - only once it is durable.
//  * Sequences are assigned in the order of the journal. Published events have that order and no gaps.
//  * A caller's idempotency key is remembered for a day from its commit. When the bound is reached, new keys
//    are refused. The number of a mutation in a write session is remembered until it is confirmed.
//  * A mutation that is not APPLIED or DUPLICATE has no effect. The exception is UNKNOWN: only repeating the
//    mutation with the same key or number tells whether it was applied.
//
// Threads: every function may be called from any thread. Sinks run on the engine's journal thread;
// completions run there, within commit, or on another thread of the engine. Neither may block. A sink must
// not call watch or end a subscription.
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

// The cluster's time, UNIX microseconds. Called with a lock held: it must be quick and must not call the
// store.
using clock_us = std::function<std::int64_t()>;

// Who reads. While the board is frozen, `everyone` is given the frozen states and `scorer` the current ones.
enum class audience { everyone, scorer };

using result_code = v1::Outcome::Result;

// The result of one mutation.
struct outcome {
    result_code result = v1::Outcome::UNKNOWN;
    std::uint64_t sequence = 0; // APPLIED, DUPLICATE: the commit that applied it
    state_ptr state;            // APPLIED, DUPLICATE: the state it made; CONFLICT: the current one, or null
    std::optional<wire::error> failure; // of every result but APPLIED and DUPLICATE
};

v1::Outcome to_message(const outcome& what);

using completion = std::function<void(std::vector<outcome>)>;

enum class event_kind : std::uint8_t {
    update,   // a table has a new state
    reversal, // a table has a new state, made by undoing the commit `reverses`
    frozen,   // `everyone` reads the frozen states from here on; state is null
    thawed,   // `everyone` reads the current states again; state is null
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

// Unsubscribes when destroyed. After that the sink is not running and is not called any more.
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

// One entry of a table's history.
struct change {
    std::uint64_t sequence = 0;
    std::uint32_t version = 0;
    std::int64_t at_us = 0;
    std::string operation;         // operation_name: update_score, replace_score, …
    std::string details;           // the operation as a JSON object
    std::uint64_t reverses = 0;    // a reversal: the commit that it undid
    std::uint64_t reversed_by = 0; // the reversal that undid this one, if any
    std::string reason;            // of a reversal
    state_ptr state;               // the state it made
};

struct page {
    std::string_view after; // names after this one; empty: from the first
    std::size_t limit = 1000;
};

enum class condition {
    serving,
    disk_full, // writes are refused until there is space again; then they resume
    poisoned,  // what is on disk is unknown; writes are refused until the process restarts
    stopped,
};

// Which transitions are allowed. `poisoned` is final. `stopped` may only become `poisoned`.
constexpr bool may_become(condition from, condition to) noexcept {
    if (from == condition::poisoned) return false;
    return from != condition::stopped || to == condition::poisoned;
}

struct health_report {
    condition state = condition::serving;
    std::string detail; // a sentence for a person; empty when serving
    bool frozen = false;
    std::uint64_t sequence = 0;            // the last published commit
    std::uint64_t checkpoint_sequence = 0; // commits up to here are in the table files
    std::uint64_t batches = 0;             // journal batches that became durable, since start
    std::uint64_t mutations = 0;           // applied since start
    std::uint64_t pending_mutations = 0;
    std::uint64_t tables = 0;
    std::uint64_t segments = 0;
    std::uint64_t idempotency_keys = 0;
    std::uint64_t sessions = 0;
    std::vector<std::string> warnings; // repairs made by recovery, failed checkpoints
};

class store {
public:
    virtual ~store() = default;
    store() = default;
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // Applies the mutations in order. Each succeeds or fails on its own. `done` is called exactly once: on
    // the journal thread, after all that was applied is durable, published and passed to the sinks. When
    // nothing was applied it may be called from within this call, or on another thread of the engine.
    // `numbered_in` is the session of the mutations that have a number.
    virtual void commit(std::vector<v1::Mutation> mutations, completion done,
                        const numbering& numbered_in = {}) = 0;

    // Begins a new write session. RESOURCE_EXHAUSTED when too many are open.
    virtual wire::result<session_id> begin_session() = 0;

    // The published state of a table ("games/hockey"), or null.
    virtual state_ptr load(std::string_view table, audience who = audience::everyone) const = 0;

    // Published states whose name begins with the prefix, in the order of names.
    virtual std::vector<state_ptr> scan(std::string_view prefix, page which = {},
                                        audience who = audience::everyone) const = 0;

    // load and scan as of a time in the past. DATA_LOSS when a history cannot be read.
    virtual wire::result<state_ptr> load_at(std::string_view table, std::int64_t at_us,
                                            audience who = audience::everyone) const = 0;
    virtual wire::result<std::vector<state_ptr>> scan_at(std::string_view prefix, std::int64_t at_us,
                                                         page which = {},
                                                         audience who = audience::everyone) const = 0;

    // At most `limit` changes of a table with a version above `after_version`, in order. NOT_FOUND when there
    // is no such table. DATA_LOSS when its history cannot be read.
    virtual wire::result<std::vector<change>> history(std::string_view table, std::uint32_t after_version = 0,
                                                      std::size_t limit = 1000,
                                                      audience who = audience::everyone) const = 0;

    // From now on every published batch is passed to the sink, in sequence order, before the batch's
    // completions run. Events are never held back by a freeze: between `frozen` and `thawed` the public must
    // not be shown them.
    [[nodiscard]] virtual subscription watch(sink to) = 0;

    // The retained events after `since`, oldest first, at most `limit`. Nothing when some are no longer
    // retained.
    virtual std::optional<std::vector<event>> events_since(std::uint64_t since,
                                                           std::size_t limit = SIZE_MAX) const = 0;

    // The sequence of the last published commit.
    virtual std::uint64_t sequence() const = 0;

    // Nothing when the board is not frozen.
    virtual std::optional<freeze_point> frozen_since() const = 0;

    virtual health_report health() const = 0;

    // Refuses further commits, finishes the accepted ones, and makes a last checkpoint. Returns when no
    // thread of the engine is running. The destructor calls it.
    virtual void stop() = 0;
};

// Mutations of the two kinds that have no table of their own.
v1::Mutation make_reversal(std::uint64_t sequence, std::string reason, std::string idempotency_key = {});
v1::Mutation make_freeze(bool frozen, std::string idempotency_key = {});

// Commits one mutation and blocks until its outcome is known.
outcome commit_and_wait(store& to, v1::Mutation mutation, const numbering& numbered_in = {});

} // namespace stadion::dbserver
