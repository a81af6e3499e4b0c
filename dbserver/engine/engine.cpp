// The caller's side of the write path: from mutations to a place in the open batch.
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
      brief_keys_({options_.idempotency_keys_max, options_.idempotency_keys_per_caller_max,
                   std::chrono::microseconds(wire::retry_key_kept).count()}),
      sessions_(std::chrono::microseconds(options_.idempotency_kept).count()),
      publication_(options_.retained_events_max) {}

engine::~engine() = default;

void engine::commit(std::vector<v1::Mutation> mutations, completion done, const numbering& numbered_in) {
    unfinished work;
    work.numbered_in = numbered_in;
    work.holder = std::make_unique<request>();
    work.holder->done = std::move(done);
    work.holder->outcomes.resize(mutations.size());
    work.mutations = std::move(mutations);
    if (!perform_all(work, false)) return hand_over(std::move(work));
    end_request(work);
}

bool engine::perform_all(unfinished& work, bool may_read) {
    work.needed_the_past = may_read;
    work.holder->holder = &work.holder;
    while (!work.is_performed()) {
        if (!work.is_at_reversal()) {
            std::shared_lock passing(gate_);
            while (!work.is_performed() && !work.is_at_reversal() && perform_next(work)) {
            }
        }
        if (work.is_performed()) break;
        if (!may_read) return false;
        perform_reading(work);
    }
    return true;
}

engine::answer engine::read(unfinished& work, operation& into) const {
    const v1::Mutation& mutation = work.mutations[work.next];
    into.numbered_in = work.numbered_in;
    if (auto failure = read_mutation(mutation, options_.within, into))
        return failed(v1::Outcome::REFUSED, std::move(*failure));
    if (!into.key.empty()) into.caller = keys_.hash_of_caller(mutation.caller());
    return std::nullopt;
}

// Passing the gate.
bool engine::perform_next(unfinished& work) {
    request& owner = *work.holder;
    operation what;
    answer known = read(work, what);
    if (!known) known = perform(what, owner, work.next);
    if (known && known->result == v1::Outcome::DUPLICATE && !answer_again(what, *known, false)) {
        work.given_before = std::move(*known);
        return false;
    }
    if (known) owner.outcomes[work.next] = std::move(*known);
    ++work.next;
    return true;
}

// Without any lock.
void engine::perform_reading(unfinished& work) {
    request& owner = *work.holder;
    operation what;
    answer known = read(work, what);
    if (!known)
        known = work.is_at_reversal() ? perform(what, owner, work.next) : std::move(work.given_before);
    if (known && known->result == v1::Outcome::DUPLICATE) answer_again(what, *known, true);
    if (known) owner.outcomes[work.next] = std::move(*known);
    ++work.next;
}

// What was derived from a state that has been taken back meanwhile does not stand.
void engine::end_request(unfinished& work) {
    if (!work.holder) return;
    if (work.holder->queued == 0 && !work.needed_the_past)
        return work.holder->done(std::move(work.holder->outcomes));
    std::shared_lock passing(gate_);
    if (work.holder->take_backs != take_backs_)
        for (const std::size_t index : work.holder->provisional)
            work.holder->outcomes[index] = failed(
                v1::Outcome::UNAVAILABLE, unavailable("an update before it could not be written", 10ms));
    std::unique_lock hold(sequencer_);
    if (journal_ended_) {
        hold.unlock();
        return work.holder->done(std::move(work.holder->outcomes));
    }
    open_.requests.push_back(std::move(work.holder));
    work_.notify_one();
}

engine::answer engine::perform(operation& what, request& owner, std::size_t index) {
    once_mark once;
    if (auto known = reserve(what, once)) return known;
    auto known = refuse_now();
    if (!known) known = perform_fresh(what, once, owner, index);
    if (known) release(once);
    return known;
}

std::optional<outcome> engine::refuse_now() const {
    const condition now = current_condition();
    if (now == condition::serving && !taking_back_.load(std::memory_order_acquire)) {
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

engine::answer engine::refuse(wire::error why, bool provisional, request& owner, std::size_t index) const {
    if (provisional) {
        if (owner.provisional.empty()) owner.take_backs = take_backs_;
        owner.provisional.push_back(index);
        ++owner.queued;
    }
    return failed(v1::Outcome::REFUSED, std::move(why));
}

engine::answer engine::perform_fresh(const operation& what, const once_mark& once, request& owner,
                                     std::size_t index) {
    if (what.what == verb::reversal) return reverse(what, once, owner, index);
    if (what.what == verb::freeze) {
        entry made;
        made.made.kind = what.frozen ? event_kind::frozen : event_kind::thawed;
        made.once = once;
        made.owner = &owner;
        made.index = index;
        std::string body;
        append_line_body(body, what);
        append(body, 0, std::move(made));
        return std::nullopt;
    }
    std::string name(what.prefix);
    name += what.name;
    table* in = tables_.find(name);
    if (!in) {
        // An update that is refused must not leave an empty table behind.
        table_value empty = empty_value(what.prefix, what.name);
        auto failure = apply(what, options_.within, empty);
        if (!failure) failure = check_size(empty, options_.within);
        if (failure) return failed(v1::Outcome::REFUSED, std::move(*failure));
        if (what.expect_version.value_or(0) == 0 && tables_.size() >= options_.tables_max)
            return failed(v1::Outcome::REFUSED,
                          wire::make_error(wire::status::resource_exhausted,
                                           "there are " + std::to_string(options_.tables_max) +
                                               " games and teams already; " + name + " would be one more"));
        if (what.expect_version.value_or(0) != 0)
            return failed(v1::Outcome::CONFLICT,
                          wire::make_error(wire::status::failed_precondition, name + " does not exist"));
        in = &tables_.find_or_make(name);
    }
    std::lock_guard hold(in->lock);
    const state_ptr& base = in->latest;
    auto next = std::make_shared<state>(base ? base->value() : empty_value(what.prefix, what.name));
    return change_table(what, once, *in, base, std::move(next), owner, index);
}

// The table is locked. `next` is a draft that the operation is still to be applied to, unless it is a
// reversal.
engine::answer engine::change_table(const operation& what, const once_mark& once, table& in,
                                    const state_ptr& base, std::shared_ptr<state> next, request& owner,
                                    std::size_t index) {
    const std::uint32_t version = base ? base->version() : 0;
    const bool provisional = base != in.published && !planted(bug::answers_from_waiting_states);
    if (what.expect_version && *what.expect_version != version) {
        answer conflict = refuse(wire::make_error(wire::status::failed_precondition,
                                                  in.name + " is at version " + std::to_string(version) +
                                                      ", not " + std::to_string(*what.expect_version)),
                                 provisional, owner, index);
        conflict->result = v1::Outcome::CONFLICT;
        conflict->state = base;
        return conflict;
    }
    if (what.what != verb::reversal)
        if (auto failure = apply(what, options_.within, next->draft()))
            return refuse(std::move(*failure), provisional, owner, index);
    if (auto failure = check_size(next->draft(), options_.within))
        return refuse(std::move(*failure), provisional, owner, index);

    std::string body;
    append_line_body(body, what);
    entry made;
    made.where = &in;
    made.next = next;
    made.made.kind = what.what == verb::reversal ? event_kind::reversal : event_kind::update;
    made.made.reverses = what.reverses;
    made.once = once;
    made.owner = &owner;
    made.index = index;
    const place at = append(body, version + 1, std::move(made));

    std::string line;
    line.reserve(body.size() + 80);
    append_line_head(line, at.sequence, at.at_us, version + 1);
    line += body;
    line += '\n';
    in.recent.append(at.sequence, line);
    in.latest = std::move(next);
    return std::nullopt;
}

engine::place engine::append(std::string_view body, std::uint32_t version, entry made) {
    std::lock_guard hold(sequencer_);
    const place at{last_sequence_ + 1, std::max(options_.clock(), last_at_us_)};
    last_sequence_ = at.sequence;
    last_at_us_ = at.at_us;
    if (made.next) made.next->stamp(at.sequence, version, at.at_us);
    made.made.sequence = at.sequence;
    made.made.at_us = at.at_us;

    const bool was_empty = open_.empty();
    const std::size_t begun_at = begin_record(open_.records);
    append_line_head(open_.records, at.sequence, at.at_us, version);
    open_.records += body;
    end_record(open_.records, begun_at, at.sequence);
    pending_mutations_.fetch_add(1, std::memory_order_relaxed);
    pending_bytes_.fetch_add(open_.records.size() - begun_at, std::memory_order_relaxed);

    request& owner = *made.owner;
    ++owner.queued;
    const bool last = made.index + 1 == owner.outcomes.size();
    open_.entries.push_back(std::move(made));
    if (last) open_.requests.push_back(std::move(*owner.holder));
    if (was_empty) work_.notify_one();
    return at;
}

} // namespace stadion::dbserver
