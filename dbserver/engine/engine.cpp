// The caller's side of the write path: from mutations to entries in the open batch.
#include "dbserver/engine/engine.hpp"

#include "dbserver/journal/record.hpp"
#include "dbserver/table/history.hpp"
#include "dbserver/table/planted_bug.hpp"
#include "wire/retry_key.hpp"

namespace stadion::dbserver {
namespace {

using namespace std::chrono_literals;

wire::error unavailable(std::string message, std::chrono::milliseconds retry_after) {
    wire::error e = wire::make_error(wire::status::unavailable, std::move(message));
    e.retry_after = retry_after;
    return e;
}

outcome failed(result_code result, wire::error why) {
    outcome what;
    what.result = result;
    what.failure = std::move(why);
    return what;
}

std::int64_t system_time_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

engine_options completed(engine_options options) {
    if (!options.clock) options.clock = system_time_us;
    return options;
}

} // namespace

engine::engine(engine_options options, bool notes_changes)
    : options_(completed(std::move(options))),
      notes_changes_(notes_changes),
      keys_({options_.idempotency_keys_max, options_.idempotency_keys_per_caller_max,
             std::chrono::microseconds(options_.idempotency_kept).count()}),
      retry_keys_({options_.idempotency_keys_max, options_.idempotency_keys_per_caller_max,
                   std::chrono::microseconds(wire::retry_key_kept).count()}),
      sessions_(std::chrono::microseconds(options_.idempotency_kept).count()),
      publication_(options_.retained_events_max) {}

engine::~engine() = default;

void engine::commit(std::vector<v1::Mutation> mutations, completion done, const numbering& numbered_in) {
    commit_task task;
    task.numbered_in = numbered_in;
    task.owned_reply = std::make_unique<reply>();
    task.owned_reply->done = std::move(done);
    task.owned_reply->outcomes.resize(mutations.size());
    task.mutations = std::move(mutations);
    if (!perform_all(task, false)) return queue_for_history_thread(std::move(task));
    end_commit(task);
}

bool engine::perform_all(commit_task& task, bool may_read) {
    task.on_history_thread = may_read;
    while (!task.is_performed()) {
        if (!task.is_at_reversal()) {
            std::shared_lock no_rollback(rollback_lock_);
            while (!task.is_performed() && !task.is_at_reversal() && perform_next(task)) {
            }
        }
        if (task.is_performed()) break;
        if (!may_read) return false;
        perform_with_history(task);
    }
    return true;
}

engine::answer engine::read(const commit_task& task, operation& into) const {
    const v1::Mutation& mutation = task.mutations[task.next];
    into.numbered_in = task.numbered_in;
    if (auto failure = read_mutation(mutation, options_.within, into))
        return failed(v1::Outcome::REFUSED, std::move(*failure));
    if (!into.key.empty()) into.caller = keys_.hash_of_caller(mutation.caller());
    return std::nullopt;
}

// With rollback_lock_ shared. False when the answer needs a file.
bool engine::perform_next(commit_task& task) {
    operation op;
    answer known = read(task, op);
    if (!known) known = perform(op, task);
    if (known && known->result == v1::Outcome::DUPLICATE && !fill_duplicate(op, *known, false)) {
        task.earlier_answer = std::move(*known);
        return false;
    }
    if (known) task.owned_reply->outcomes[task.next] = std::move(*known);
    ++task.next;
    return true;
}

// With no lock held, because it may read files.
void engine::perform_with_history(commit_task& task) {
    operation op;
    answer known = read(task, op);
    if (!known) known = task.is_at_reversal() ? perform(op, task) : std::move(task.earlier_answer);
    if (known && known->result == v1::Outcome::DUPLICATE) fill_duplicate(op, *known, true);
    if (known) task.owned_reply->outcomes[task.next] = std::move(*known);
    ++task.next;
}

// Provisional outcomes fail when a rollback came in between: the states they were derived from are gone.
void engine::end_commit(commit_task& task) {
    if (!task.owned_reply) return;
    if (task.owned_reply->queued == 0 && !task.on_history_thread)
        return task.owned_reply->done(std::move(task.owned_reply->outcomes));
    std::shared_lock no_rollback(rollback_lock_);
    if (task.owned_reply->rollbacks_seen != rollbacks_)
        for (const std::size_t index : task.owned_reply->provisional)
            task.owned_reply->outcomes[index] = failed(
                v1::Outcome::UNAVAILABLE, unavailable("an update before it could not be written", 10ms));
    std::unique_lock hold(sequencer_);
    if (journal_ended_) {
        hold.unlock();
        return task.owned_reply->done(std::move(task.owned_reply->outcomes));
    }
    open_.replies.push_back(std::move(task.owned_reply));
    work_.notify_one();
}

engine::answer engine::perform(operation& op, commit_task& task) {
    dedup_id dedup;
    if (auto known = reserve(op, dedup)) return known;
    auto known = refuse_now();
    if (!known) known = perform_fresh(op, dedup, task);
    if (known) release(dedup);
    return known;
}

std::optional<outcome> engine::refuse_now() const {
    const condition now = current_condition();
    if (now == condition::serving && !rolling_back_.load(std::memory_order_acquire)) {
        if (pending_mutations_.load(std::memory_order_relaxed) < options_.pending_mutations_max &&
            pending_bytes_.load(std::memory_order_relaxed) < options_.pending_bytes_max &&
            !congested_.load(std::memory_order_relaxed))
            return std::nullopt;
        return failed(v1::Outcome::UNAVAILABLE,
                      unavailable("too many updates are waiting to be written", 20ms));
    }
    std::lock_guard hold(report_lock_);
    wire::error why =
        unavailable(condition_detail_.empty() ? "the last write failed" : condition_detail_, 1s);
    if (now == condition::disk_full) {
        why.code = wire::status::resource_exhausted;
        why.details["http_status"] = "507";
        why.retry_after = 5s;
    }
    return failed(v1::Outcome::UNAVAILABLE, std::move(why));
}

engine::answer engine::refuse(wire::error why, bool provisional, commit_task& task) const {
    if (provisional) {
        reply& owner = *task.owned_reply;
        if (owner.provisional.empty()) owner.rollbacks_seen = rollbacks_;
        owner.provisional.push_back(task.next);
        ++owner.queued;
    }
    return failed(v1::Outcome::REFUSED, std::move(why));
}

engine::answer engine::perform_fresh(const operation& op, const dedup_id& dedup, commit_task& task) {
    if (op.kind == operation_kind::reversal) return reverse(op, dedup, task);
    if (op.kind == operation_kind::freeze) {
        entry pending;
        pending.feed_event.kind = op.frozen ? event_kind::frozen : event_kind::thawed;
        pending.dedup = dedup;
        std::string body;
        append_line_body(body, op);
        append(body, 0, std::move(pending), task);
        return std::nullopt;
    }
    std::string name(op.prefix);
    name += op.name;
    table* in = tables_.find(name);
    if (!in) {
        // An update that is refused must not leave an empty table behind.
        table_value empty = empty_value(op.prefix, op.name);
        auto failure = apply(op, options_.within, empty);
        if (!failure) failure = check_size(empty, options_.within);
        if (failure) return failed(v1::Outcome::REFUSED, std::move(*failure));
        if (op.expect_version.value_or(0) == 0 && tables_.size() >= options_.tables_max)
            return failed(v1::Outcome::REFUSED,
                          wire::make_error(wire::status::resource_exhausted,
                                           "there are " + std::to_string(options_.tables_max) +
                                               " games and teams already; " + name + " would be one more"));
        if (op.expect_version.value_or(0) != 0)
            return failed(v1::Outcome::CONFLICT,
                          wire::make_error(wire::status::failed_precondition, name + " does not exist"));
        in = &tables_.find_or_make(name);
    }
    std::lock_guard hold(in->lock);
    const state_ptr& base = in->latest;
    auto next = std::make_shared<state>(base ? base->value() : empty_value(op.prefix, op.name));
    return change_table(op, dedup, *in, base, std::move(next), task);
}

// With the table locked. The operation is applied to the draft `next`, unless it is a reversal, whose draft
// is complete already.
engine::answer engine::change_table(const operation& op, const dedup_id& dedup, table& in,
                                    const state_ptr& base, std::shared_ptr<state> next, commit_task& task) {
    const std::uint32_t version = base ? base->version() : 0;
    const bool provisional = base != in.published && !planted(bug::answers_from_waiting_states);
    if (op.expect_version && *op.expect_version != version) {
        answer conflict = refuse(wire::make_error(wire::status::failed_precondition,
                                                  in.name + " is at version " + std::to_string(version) +
                                                      ", not " + std::to_string(*op.expect_version)),
                                 provisional, task);
        conflict->result = v1::Outcome::CONFLICT;
        conflict->state = base;
        return conflict;
    }
    if (op.kind != operation_kind::reversal)
        if (auto failure = apply(op, options_.within, next->draft()))
            return refuse(std::move(*failure), provisional, task);
    if (auto failure = check_size(next->draft(), options_.within))
        return refuse(std::move(*failure), provisional, task);

    std::string body;
    append_line_body(body, op);
    entry pending;
    pending.target = &in;
    pending.next = next;
    pending.feed_event.kind = op.kind == operation_kind::reversal ? event_kind::reversal : event_kind::update;
    pending.feed_event.reverses = op.reverses;
    pending.dedup = dedup;
    const commit_place at = append(body, version + 1, std::move(pending), task);

    std::string line;
    line.reserve(body.size() + 80);
    append_line_head(line, at.sequence, at.at_us, version + 1);
    line += body;
    line += '\n';
    in.recent.append(at.sequence, line);
    in.latest = std::move(next);
    return std::nullopt;
}

engine::commit_place engine::append(std::string_view body, std::uint32_t version, entry pending,
                                    commit_task& task) {
    std::lock_guard hold(sequencer_);
    const commit_place at{last_sequence_ + 1, std::max(options_.clock(), last_at_us_)};
    last_sequence_ = at.sequence;
    last_at_us_ = at.at_us;
    if (pending.next) pending.next->stamp(at.sequence, version, at.at_us);
    pending.feed_event.sequence = at.sequence;
    pending.feed_event.at_us = at.at_us;

    const bool was_empty = open_.empty();
    const std::size_t begun_at = begin_record(open_.records);
    append_line_head(open_.records, at.sequence, at.at_us, version);
    open_.records += body;
    end_record(open_.records, begun_at, at.sequence);
    pending_mutations_.fetch_add(1, std::memory_order_relaxed);
    pending_bytes_.fetch_add(open_.records.size() - begun_at, std::memory_order_relaxed);

    pending.reply_to = task.owned_reply.get();
    pending.index = task.next;
    ++task.owned_reply->queued;
    open_.entries.push_back(std::move(pending));
    if (task.is_at_last()) open_.replies.push_back(std::move(task.owned_reply));
    if (was_empty) work_.notify_one();
    return at;
}

} // namespace stadion::dbserver
