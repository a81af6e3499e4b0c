// Exactly once: reserving, keeping and releasing keys and numbers, and answering duplicates.
#include "dbserver/engine/engine.hpp"

#include "dbserver/table/history.hpp"
#include "wire/retry_key.hpp"

namespace stadion::dbserver {
namespace {

using namespace std::chrono_literals;

outcome not_done(result_code result, wire::status code, std::string message) {
    outcome what;
    what.result = result;
    what.failure = wire::make_error(code, std::move(message));
    return what;
}

outcome done_before(std::uint64_t sequence) {
    outcome same;
    same.result = v1::Outcome::DUPLICATE;
    same.sequence = sequence;
    return same;
}

} // namespace

wire::result<session_id> engine::begin_session() {
    if (const auto id = sessions_.begin(now_us())) return *id;
    wire::error full =
        wire::make_error(wire::status::resource_exhausted,
                         std::to_string(write_sessions::sessions_max) + " write sessions are open already");
    full.retry_after = 1s;
    return full;
}

key_use engine::key_use_of(const operation& op) const {
    return {keys_.hash_of_key(op.key), op.hash, op.caller, op.key.starts_with(wire::retry_key_prefix)};
}

engine::answer engine::reserve(const operation& op, dedup_id& dedup) {
    if (op.number != 0) {
        std::uint64_t sequence = 0;
        const auto verdict = sessions_.reserve(op.numbered_in, op.number, now_us(), sequence);
        if (verdict == write_sessions::verdict::answered) return done_before(sequence);
        if (verdict != write_sessions::verdict::fresh) return refuse_number(verdict, op);
        dedup.by = dedup_id::kind::number;
        dedup.session = op.numbered_in.session;
        dedup.number = op.number;
    } else if (!op.key.empty()) {
        dedup.key = key_use_of(op);
        key_record found;
        const auto verdict = keys_for(dedup.key.is_retry_key).reserve(dedup.key, now_us(), found);
        if (verdict == idempotency_keys::verdict::answered) return done_before(found.sequence);
        if (verdict != idempotency_keys::verdict::fresh) return refuse_key(verdict, op, found);
        dedup.by = dedup_id::kind::key;
    }
    return std::nullopt;
}

outcome engine::refuse_key(idempotency_keys::verdict why, const operation& op,
                           const key_record& found) const {
    const std::string key = "idempotency key " + std::string(op.key);
    outcome refused;
    switch (why) {
    case idempotency_keys::verdict::running:
        refused = not_done(v1::Outcome::UNAVAILABLE, wire::status::aborted,
                           key + " is in use by a request that has not ended yet");
        refused.failure->details["http_status"] = "409";
        refused.failure->retry_after = 10ms;
        break;
    case idempotency_keys::verdict::reused:
        refused = not_done(v1::Outcome::REFUSED, wire::status::invalid_argument,
                           key + " was used for another request");
        refused.failure->details["http_status"] = "422";
        break;
    default: {
        refused =
            not_done(v1::Outcome::UNAVAILABLE, wire::status::resource_exhausted,
                     key + " is one too many: at most " +
                         std::to_string(options_.idempotency_keys_per_caller_max) + " of a caller and " +
                         std::to_string(options_.idempotency_keys_max) + " of all are kept, for a day");
        constexpr std::int64_t second_us = 1'000'000, day_us = 86'400 * second_us;
        const std::int64_t wait_us = std::clamp(found.at_us - now_us(), second_us, day_us);
        refused.failure->retry_after = std::chrono::milliseconds(wait_us / 1000);
    }
    }
    return refused;
}

outcome engine::refuse_number(write_sessions::verdict why, const operation& op) const {
    const std::string number =
        "number " + std::to_string(op.number) + " of write session " + to_text(op.numbered_in.session);
    outcome refused;
    switch (why) {
    case write_sessions::verdict::running:
        refused = not_done(v1::Outcome::UNAVAILABLE, wire::status::aborted, number + " has not ended yet");
        refused.failure->retry_after = 10ms;
        break;
    case write_sessions::verdict::too_far:
        refused = not_done(v1::Outcome::UNAVAILABLE, wire::status::unavailable,
                           number + " is too far from the lowest open one");
        refused.failure->retry_after = 10ms;
        break;
    case write_sessions::verdict::confirmed:
        refused = not_done(v1::Outcome::REFUSED, wire::status::failed_precondition,
                           number + " was confirmed before");
        break;
    default:
        refused =
            not_done(v1::Outcome::UNAVAILABLE, wire::status::failed_precondition,
                     number + ": the session is not known, and nothing of it was applied; begin another");
        refused.failure->details["session"] = "unknown";
    }
    return refused;
}

void engine::release(const dedup_id& dedup) {
    if (dedup.by == dedup_id::kind::key) keys_for(dedup.key.is_retry_key).release(dedup.key);
    if (dedup.by == dedup_id::kind::number) sessions_.release(dedup.session, dedup.number);
}

// With publishing_ held.
void engine::keep(const entry& pending) {
    const dedup_id& dedup = pending.dedup;
    if (dedup.by == dedup_id::kind::number)
        sessions_.keep(dedup.session, dedup.number, pending.feed_event.sequence);
    if (dedup.by != dedup_id::kind::key) return;
    const key_record record{
        dedup.key.key,    dedup.key.request,     pending.feed_event.sequence, pending.feed_event.at_us,
        dedup.key.caller, dedup.key.is_retry_key};
    keys_for(dedup.key.is_retry_key).keep(record);
    if (notes_changes_) changed_keys_.push_back(record);
}

bool engine::fill_duplicate(const operation& op, outcome& duplicate, bool may_read) const {
    if (op.kind == operation_kind::freeze) return true;
    const table* in = nullptr;
    if (op.kind == operation_kind::reversal) {
        if (const auto found = find_table_of(duplicate.sequence)) in = *found;
    } else {
        in = tables_.find(std::string(op.prefix) + std::string(op.name));
    }
    bool was_read = true;
    if (in) duplicate.state = state_made_by(*in, duplicate.sequence, may_read, was_read);
    if (!was_read) return false;
    if (!duplicate.state)
        duplicate = not_done(v1::Outcome::REFUSED, wire::status::data_loss,
                             "this was applied before as commit " + std::to_string(duplicate.sequence) +
                                 ", but what it made cannot be read any more");
    return true;
}

state_ptr engine::state_made_by(const table& in, std::uint64_t sequence, bool may_read,
                                bool& was_read) const {
    {
        std::lock_guard hold(in.lock);
        if (in.published && in.published->sequence() == sequence) return in.published;
    }
    if (const auto retained = publication_.find(sequence)) return retained->state;
    was_read = may_read;
    if (!may_read) return nullptr;
    const auto lines = lines_of(in);
    if (!lines) return nullptr;
    const auto then = state_at(*lines, options_.within, INT64_MAX, sequence);
    return then && *then && (*then)->sequence() == sequence ? *then : nullptr;
}

} // namespace stadion::dbserver
