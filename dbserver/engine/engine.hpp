// What all engines share: the tables in memory, the order of commits, exactly-once, publication.
//
// The write path. A caller's thread, with its table locked, validates the mutation and drafts the next state
// from the table's latest state, which may not be durable yet. It takes the next sequence and appends a
// record to the open batch. The journal thread takes the whole batch and makes it durable; the derived class
// defines how. Then it publishes the batch's states, calls the sinks and completes the replies. So many
// callers share one sync, and a state that is not durable is never visible.
//
// A conflict or refusal that was derived from a state that is not durable yet is provisional. It is answered
// with the next batch, because the caller must not learn of a state that may still be lost.
//
// A mutation that has to read a table's history is performed on the history thread (engine_history.cpp). No
// commit waits for reading a file.
//
// When a batch could not be written and none of it is left on the disk, the batch and all that was drafted on
// top of it are rolled back. Meanwhile rollback_lock_ keeps new commits out, and the tables' published states
// become their latest states again. When it is unknown what is on the disk, the same happens, the engine is
// poisoned, and every later commit is refused.
//
// Lock order: rollback_lock_ (shared by commits, exclusive for a rollback) or publishing_, then a table's
// lock, then sequencer_. None of them is held during I/O.
#pragma once

#include "dbserver/engine/publication.hpp"
#include "dbserver/engine/tables.hpp"
#include "dbserver/table/idempotency.hpp"
#include "dbserver/table/operation.hpp"
#include "dbserver/table/store.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace stadion::dbserver {

struct engine_options {
    clock_us clock; // empty: the system clock
    limits within;
    std::size_t tables_max = 1'000'000;
    std::size_t pending_mutations_max = 65'536;
    std::size_t pending_bytes_max = 32u << 20;
    std::size_t retained_events_max = 65'536;
    std::size_t idempotency_keys_max = 4'000'000;
    std::size_t idempotency_keys_per_caller_max = 1'000'000;
    std::chrono::hours idempotency_kept{24}; // and how long unused sessions are kept
    std::function<void()> on_poisoned;       // on the journal thread: the process should be restarted
};

class engine : public store {
public:
    // `notes_changes`: changes are collected for take_changes.
    engine(engine_options options, bool notes_changes);
    ~engine() override;

    void commit(std::vector<v1::Mutation> mutations, completion done,
                const numbering& numbered_in = {}) override;
    wire::result<session_id> begin_session() override;
    state_ptr load(std::string_view table, audience who) const override;
    std::vector<state_ptr> scan(std::string_view prefix, page which, audience who) const override;
    wire::result<state_ptr> load_at(std::string_view table, std::int64_t at_us, audience who) const override;
    wire::result<std::vector<state_ptr>> scan_at(std::string_view prefix, std::int64_t at_us, page which,
                                                 audience who) const override;
    wire::result<std::vector<change>> history(std::string_view table, std::uint32_t after_version,
                                              std::size_t limit, audience who) const override;
    subscription watch(sink to) override;
    std::optional<std::vector<event>> events_since(std::uint64_t since, std::size_t limit) const override;
    std::uint64_t sequence() const override { return published_sequence_.load(std::memory_order_acquire); }
    std::optional<freeze_point> frozen_since() const override;
    health_report health() const override;
    void stop() override;

protected:
    enum class written {
        durable,
        nothing, // not written, and none of it is left on the disk
        unknown, // it is unknown what is on the disk
    };
    // Makes the records, which are as end_record leaves them, durable. On the journal thread.
    virtual written persist(std::string& records, std::uint64_t last_sequence, std::string& failure) = 0;
    // The archived part of a table's history. The length and checksum are those of the table's archive when
    // they were read; the file may be longer by now.
    virtual wire::result<std::string> read_archive(const table& of, std::uint64_t bytes,
                                                   std::uint32_t crc) const = 0;

    // The number (commit_index.hpp) of the table whose archive has the commit; 0 when none has it.
    virtual wire::result<std::uint64_t> find_archived(std::uint64_t sequence) const = 0;

    // The functions up to start() restore what is on disk. They are called before start(), by one thread.
    table& restore(state_ptr checkpointed);
    // The table's history begins anew with its current state. The next checkpoint writes it.
    void restart_history(table& in);
    // The next checkpoint writes these lines as the table's whole history.
    void rewrite_history(table& in, std::string_view lines);
    void restore_secret(const hash_key& secret) { keys_.set_secret(secret); }
    void restore_key(const key_record& record) { keys_for(record.is_retry_key != 0).keep(record); }
    void restore_session(const saved_session& one) { sessions_.restore(one); }
    // The part of session ids that is unique to this opening of the store.
    void set_opening(std::uint64_t opening) { sessions_.set_opening(opening); }
    wire::result<void> restore_frozen(freeze_point since); // reads the histories of tables that changed since
    void restore_sequence(std::uint64_t sequence);
    void restore_time(std::int64_t at_us); // later commits have no earlier time
    // Applies a line of the journal after the checkpoint, in order. `gaps_are_allowed`: for salvaging.
    wire::result<void> replay_line(std::string_view text, bool gaps_are_allowed);
    // Applies a line that the checkpoint covers but whose table was not restored fully. It is skipped when it
    // is not the table's next version.
    void replay_earlier_line(std::string_view text);
    void start();

    // What a checkpoint writes: all that changed since the last call, as of the commit `through`.
    struct changed_since {
        std::uint64_t through = 0;
        std::int64_t at_us = 0;    // the time of that commit
        freeze_point frozen_since; // sequence 0: not frozen
        std::vector<std::pair<table*, state_ptr>> tables;
        std::vector<key_record> keys;
        std::vector<saved_session> sessions; // all of them
    };
    changed_since take_changes();
    // The checkpoint failed: the next one writes these changes too.
    void give_back(changed_since changes);

    // Ignored when may_become does not allow it.
    void set_condition(condition now, std::string detail);
    // True: the journal is too long, and commits are refused until a checkpoint was made.
    void set_congested(bool now) { congested_.store(now, std::memory_order_relaxed); }
    condition current_condition() const { return condition_.load(std::memory_order_acquire); }
    void warn(std::string warning);
    const engine_options& options() const { return options_; }
    std::int64_t now_us() const { return options_.clock(); }
    table_map& tables() { return tables_; }
    const table_map& tables() const { return tables_; }
    const idempotency_keys& keys() const { return keys_; }
    // The next checkpoint writes this key, although its commit is older.
    void rewrite_key(const key_record& record) { changed_keys_.push_back(record); }

private:
    // What a call of commit is answered. Owned by its commit_task, then by the batch that completes it.
    struct reply {
        completion done;
        std::vector<outcome> outcomes;
        std::vector<std::size_t> provisional; // indices of provisional outcomes
        std::uint64_t rollbacks_seen = 0;     // when the first of these was made
        std::size_t queued = 0;               // outcomes that are known only with a batch
    };
    // The key or number by which a repeated mutation is recognised.
    struct dedup_id {
        enum class kind : std::uint8_t { none, key, number };
        kind by = kind::none;
        key_use key;
        session_id session;
        std::uint64_t number = 0;
    };
    // One mutation in a batch.
    struct entry {
        table* target = nullptr; // null for a freeze
        std::shared_ptr<state> next;
        event feed_event;
        dedup_id dedup;
        reply* reply_to = nullptr; // completed with this batch or a later one
        std::size_t index = 0;     // in the reply's outcomes
    };
    struct batch {
        std::vector<entry> entries;
        std::string records;
        std::vector<std::unique_ptr<reply>> replies; // completed with this batch
        bool empty() const { return entries.empty() && replies.empty(); }
        void clear() { entries.clear(), records.clear(), replies.clear(); }
    };
    // A call of commit in progress.
    struct commit_task {
        std::unique_ptr<reply> owned_reply; // null once a batch owns it
        std::vector<v1::Mutation> mutations;
        numbering numbered_in;
        std::size_t next = 0;           // index of the mutation to perform next
        outcome earlier_answer;         // of the next mutation, a duplicate, when its state must be read
        bool on_history_thread = false; // performed, at least in part, on the history thread

        bool is_performed() const { return next == mutations.size(); }
        bool is_at_last() const { return next + 1 == mutations.size(); }
        bool is_at_reversal() const { return mutations[next].has_reversal(); }
    };
    struct frozen_board {
        freeze_point since;
        std::map<std::string, state_ptr, std::less<>> states;
    };
    struct commit_place {
        std::uint64_t sequence;
        std::int64_t at_us;
    };

    // False when the next mutation may have to read a file, and `may_read` is false.
    bool perform_all(commit_task& task, bool may_read);
    bool perform_next(commit_task& task);
    void perform_with_history(commit_task& task);
    void end_commit(commit_task& task);
    void queue_for_history_thread(commit_task&& task);
    void run_history_thread();
    void stop_history_thread();
    // An empty answer means that the mutation is in a batch, which sets its outcome. The task's reply may be
    // gone.
    using answer = std::optional<outcome>;
    answer read(const commit_task& task, operation& into) const;
    answer perform(operation& op, commit_task& task);
    answer perform_fresh(const operation& op, const dedup_id& dedup, commit_task& task);
    answer reverse(operation op, const dedup_id& dedup, commit_task& task);
    // Empty when the mutation is fresh; its key or number is then reserved.
    answer reserve(const operation& op, dedup_id& dedup);
    idempotency_keys& keys_for(bool is_retry_key) { return is_retry_key ? retry_keys_ : keys_; }
    key_use key_use_of(const operation& op) const;
    outcome refuse_key(idempotency_keys::verdict why, const operation& op, const key_record& found) const;
    outcome refuse_number(write_sessions::verdict why, const operation& op) const;
    void release(const dedup_id& dedup);
    void keep(const entry& durable);
    // Adds the state to the outcome of a duplicate. False when a file must be read for that and `may_read` is
    // false.
    bool fill_duplicate(const operation& op, outcome& duplicate, bool may_read) const;
    state_ptr state_made_by(const table& in, std::uint64_t sequence, bool may_read, bool& was_read) const;
    answer change_table(const operation& op, const dedup_id& dedup, table& in, const state_ptr& base,
                        std::shared_ptr<state> next, commit_task& task);
    answer refuse(wire::error why, bool provisional, commit_task& task) const;
    commit_place append(std::string_view body, std::uint32_t version, entry pending, commit_task& task);
    std::optional<outcome> refuse_now() const;
    wire::result<table*> find_table_of(std::uint64_t sequence) const;
    std::vector<table*> tables_numbered(std::uint64_t number) const;
    bool has_commit(const table& in, std::uint64_t sequence, bool looks_into_archive) const;
    wire::result<std::string> lines_of(const table& in) const;
    std::shared_ptr<const frozen_board> frozen() const;
    void freeze_now(freeze_point since);
    void thaw_now();

    void restore_dedup(const line& one);
    void run_journal();
    void publish(batch& durable);
    void publish_entry(entry& one, std::vector<event>& events);
    void roll_back(batch& failed, result_code result, const wire::error& why);
    void fail_entry(entry& one, result_code result, const wire::error& why);
    void complete(batch& ended);

    const engine_options options_;
    const bool notes_changes_;
    table_map tables_;
    idempotency_keys keys_;
    idempotency_keys retry_keys_; // of servers, kept for minutes; hashed with the secret of keys_
    write_sessions sessions_;
    publication publication_;

    std::shared_mutex rollback_lock_;
    std::atomic<bool> rolling_back_{false};
    std::uint64_t rollbacks_ = 0; // changed with rollback_lock_ exclusive

    std::mutex sequencer_;
    std::condition_variable work_;
    batch open_;
    std::uint64_t last_sequence_ = 0;
    std::int64_t last_at_us_ = 0;
    bool stopping_ = false;
    bool journal_ended_ = false; // open_ is not taken any more

    std::atomic<std::uint64_t> published_sequence_{0};
    std::atomic<std::size_t> pending_mutations_{0};
    std::atomic<std::size_t> pending_bytes_{0};
    std::atomic<std::uint64_t> batches_{0};
    std::atomic<std::uint64_t> mutations_{0};
    std::atomic<bool> congested_{false};
    std::atomic<condition> condition_{condition::serving};

    mutable std::mutex frozen_lock_;
    std::shared_ptr<const frozen_board> frozen_;
    std::atomic<bool> is_frozen_{false};

    std::mutex publishing_; // held while a batch is published, so that take_changes sees whole batches
    std::int64_t published_at_us_ = 0;
    std::vector<table*> changed_tables_;
    std::vector<key_record> changed_keys_;

    mutable std::mutex report_lock_;
    std::string condition_detail_;
    std::vector<std::string> warnings_;

    std::mutex history_lock_;
    std::condition_variable history_wake_;
    std::deque<commit_task> history_queue_;
    bool history_stops_ = false;

    std::mutex stop_lock_;
    std::thread journal_thread_;
    std::thread history_thread_;
};

} // namespace stadion::dbserver
