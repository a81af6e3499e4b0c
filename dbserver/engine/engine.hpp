// What every engine here has in common: the tables in memory, the order of commits, exactly-once,
// publication.
//
// The write path. A caller's thread, under its table's lock, checks the mutation, drafts the next state on
// top of the latest one - which may itself still be waiting - takes the next sequence and appends a record to
// the open batch. One journal thread takes the whole batch, makes it durable (what that means is the derived
// class's), publishes its states, tells the sinks, and completes the requests. So any number of callers share
// one sync, and what is not durable is never seen.
//
// An answer that was derived from a state still waiting (a conflict with it) waits with it, for otherwise the
// caller would know of a state that nobody can read, and that may yet be lost.
//
// A reversal needs its table's history, which has to be read: it is performed on a thread of its own
// (engine_past.cpp), so that no commit waits for a file.
//
// When a batch could not be written and nothing of it is left behind, it and all that was built on it is
// taken back: `gate_` keeps new commits out while the tables' latest states become the published ones again.
// When it is not known what is on disk, the engine is poisoned: the same, and every later commit is refused.
//
// Locks, in the order they may be taken: gate_ (shared by every commit) or publishing_, a table's,
// sequencer_. None is held across I/O.
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
    clock_us clock; // empty: the system's
    limits within;
    std::size_t tables_max = 1'000'000;
    std::size_t pending_mutations_max = 65'536;
    std::size_t pending_bytes_max = 32u << 20;
    std::size_t retained_events_max = 65'536;
    std::size_t idempotency_keys_max = 4'000'000;
    std::size_t idempotency_keys_per_caller_max = 1'000'000;
    std::chrono::hours idempotency_kept{24}; // sessions too
    std::function<void()> on_poisoned;       // on the journal thread: the process should be started anew
};

class engine : public store {
public:
    // `notes_changes`: take_changes will be called.
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
        nothing, // and nothing is left behind
        unknown, // poisoned
    };
    // Makes the records durable; they are as end_record leaves them. On the journal thread.
    virtual written persist(std::string& records, std::uint64_t last_sequence, std::string& failure) = 0;
    // The archived part of a table's history, as it was when the arguments were read from the table.
    virtual wire::result<std::string> read_archive(const table& of, std::uint64_t bytes,
                                                   std::uint32_t crc) const = 0;

    // The number (commit_index.hpp) of the table whose archive has the commit; 0 when none has.
    virtual wire::result<std::uint64_t> find_archived(std::uint64_t sequence) const = 0;

    // Before start: what was on disk.
    table& restore(state_ptr checkpointed);
    // Its history begins with what it is now; all of it goes into the next checkpoint.
    void begin_history_anew(table& in);
    // The same with the whole of its history.
    void write_anew(table& in, std::string_view lines);
    void restore_secret(const hash_key& secret) { keys_.set_secret(secret); }
    void restore_key(const key_record& record) { table_of_keys(record.is_brief != 0).keep(record); }
    void restore_session(const saved_session& one) { sessions_.restore(one); }
    // Sessions are named by it: no other opening may have it.
    void set_opening(std::uint64_t opening) { sessions_.set_opening(opening); }
    wire::result<void> restore_frozen(freeze_point since); // reads the histories of what has gone on since
    void restore_sequence(std::uint64_t sequence);
    void restore_time(std::int64_t at_us); // no commit to come is earlier
    // Then each line of the journal after that, in order.
    wire::result<void> replay_line(std::string_view text, bool gaps_are_allowed);
    // One that the checkpoint has, where its table does not: it is applied if it follows, else left out.
    void replay_earlier_line(std::string_view text);
    void start();

    // For checkpoints: what changed since the last call, as it stands after the commit `through`.
    struct changed_since {
        std::uint64_t through = 0;
        std::int64_t at_us = 0;    // when that was
        freeze_point frozen_since; // with sequence 0: not frozen
        std::vector<std::pair<table*, state_ptr>> tables;
        std::vector<key_record> keys;
        std::vector<saved_session> sessions; // all of them
    };
    changed_since take_changes();
    void give_back(changed_since changes);

    // Changes nothing where may_become says no.
    void set_condition(condition now, std::string detail);
    // More is waiting for a checkpoint than may be: commits are refused until it is made.
    void set_congested(bool now) { congested_.store(now, std::memory_order_relaxed); }
    condition current_condition() const { return condition_.load(std::memory_order_acquire); }
    void warn(std::string warning);
    const engine_options& options() const { return options_; }
    std::int64_t now_us() const { return options_.clock(); }
    table_map& tables() { return tables_; }
    const table_map& tables() const { return tables_; }
    const idempotency_keys& keys() const { return keys_; }
    // Goes into the next checkpoint, although it is not of a commit since the last.
    void write_key_anew(const key_record& record) { changed_keys_.push_back(record); }

private:
    struct request {
        completion done;
        std::vector<outcome> outcomes;
        std::vector<std::size_t> provisional; // outcomes that stand only if what they were derived from does
        std::uint64_t take_backs = 0;         // when the first of these was answered
        std::size_t queued = 0;               // outcomes that wait for a batch
        std::unique_ptr<request>* holder = nullptr; // until it is handed to a batch
    };
    // What makes a mutation count once.
    struct once_mark {
        enum class kind : std::uint8_t { none, key, number };
        kind how = kind::none;
        key_use key;
        session_id session;
        std::uint64_t number = 0;
    };
    struct entry {
        table* where = nullptr; // null for a freeze
        std::shared_ptr<state> next;
        event made;
        once_mark once;
        request* owner = nullptr;
        std::size_t index = 0;
    };
    struct batch {
        std::vector<entry> entries;
        std::string records;
        std::vector<std::unique_ptr<request>> requests; // completed with this batch
        bool empty() const { return entries.empty() && requests.empty(); }
        void clear() { entries.clear(), records.clear(), requests.clear(); }
    };
    // A request on its way; the mutations from `next` on are still to be performed.
    struct unfinished {
        std::unique_ptr<request> holder; // null once a batch has it
        std::vector<v1::Mutation> mutations;
        numbering numbered_in;
        std::size_t next = 0;
        outcome given_before; // to the next one, when that must be read
        bool needed_the_past = false;

        bool is_performed() const { return next == mutations.size(); }
        bool is_at_reversal() const { return mutations[next].has_reversal(); }
    };
    struct frozen_board {
        freeze_point since;
        std::map<std::string, state_ptr, std::less<>> states;
    };
    struct place {
        std::uint64_t sequence;
        std::int64_t at_us;
    };

    // False when the next mutation may have to read, and that is not allowed here.
    bool perform_all(unfinished& work, bool may_read);
    bool perform_next(unfinished& work);
    void perform_reading(unfinished& work);
    void end_request(unfinished& work);
    void hand_over(unfinished&& work);
    void run_past();
    void end_past();
    // Of these, an answer of nothing means that the outcome comes with a batch; the request may be gone.
    using answer = std::optional<outcome>;
    answer read(unfinished& work, operation& into) const;
    answer perform(operation& what, request& owner, std::size_t index);
    answer perform_fresh(const operation& what, const once_mark& once, request& owner, std::size_t index);
    answer reverse(operation what, const once_mark& once, request& owner, std::size_t index);
    // Nothing when it is fresh, and reserved.
    answer reserve(const operation& what, once_mark& once);
    idempotency_keys& table_of_keys(bool is_brief) { return is_brief ? brief_keys_ : keys_; }
    key_use key_use_of(const operation& what) const;
    outcome refuse_key(idempotency_keys::verdict why, const operation& what, const key_record& found) const;
    outcome refuse_number(write_sessions::verdict why, const operation& what) const;
    void release(const once_mark& once);
    void keep(const entry& made);
    // Completes an answer that was given before; false when that needs reading, and may not.
    bool answer_again(const operation& what, outcome& again, bool may_read) const;
    state_ptr state_made_by(const table& in, std::uint64_t sequence, bool may_read, bool& was_read) const;
    answer change_table(const operation& what, const once_mark& once, table& in, const state_ptr& base,
                        std::shared_ptr<state> next, request& owner, std::size_t index);
    answer refuse(wire::error why, bool provisional, request& owner, std::size_t index) const;
    place append(std::string_view body, std::uint32_t version, entry made);
    std::optional<outcome> refuse_now() const;
    wire::result<table*> find_table_of(std::uint64_t sequence) const;
    std::vector<table*> tables_numbered(std::uint64_t number) const;
    bool has_commit(const table& in, std::uint64_t sequence, bool looks_into_archive) const;
    wire::result<std::string> lines_of(const table& in) const;
    std::shared_ptr<const frozen_board> frozen() const;
    void freeze_now(freeze_point since);
    void thaw_now();

    void restore_once(const line& one);
    void run_journal();
    void publish(batch& durable);
    void publish_entry(entry& one, std::vector<event>& events);
    void take_back(batch& failed, result_code result, const wire::error& why);
    void fail_entry(entry& one, result_code result, const wire::error& why);
    void complete(batch& ended);

    const engine_options options_;
    const bool notes_changes_;
    table_map tables_;
    idempotency_keys keys_;
    idempotency_keys brief_keys_; // has no secret of its own: keys_ hashes for it
    write_sessions sessions_;
    publication publication_;

    std::shared_mutex gate_;
    std::atomic<bool> taking_back_{false};
    std::uint64_t take_backs_ = 0; // changed with gate_ alone

    std::mutex sequencer_;
    std::condition_variable work_;
    batch open_;
    std::uint64_t last_sequence_ = 0;
    std::int64_t last_at_us_ = 0;
    bool stopping_ = false;
    bool journal_ended_ = false; // nothing more is taken from open_

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

    std::mutex publishing_; // held while a batch's states are published, so that others see whole batches
    std::int64_t published_at_us_ = 0;
    std::vector<table*> changed_tables_;
    std::vector<key_record> changed_keys_;

    mutable std::mutex report_lock_;
    std::string condition_detail_;
    std::vector<std::string> warnings_;

    std::mutex past_lock_;
    std::condition_variable past_wake_;
    std::deque<unfinished> past_waiting_;
    bool past_ends_ = false;

    std::mutex stop_lock_;
    std::thread journal_thread_;
    std::thread past_thread_;
};

} // namespace stadion::dbserver
