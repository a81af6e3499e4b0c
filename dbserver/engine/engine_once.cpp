// Exactly once: keys and numbers reserved, kept and released, and what a repeated mutation is answered.
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

key_use engine::key_use_of(const operation& what) const {
    return {keys_.hash_of_key(what.key), what.hash, what.caller,
            what.key.starts_with(wire::retry_key_prefix)};
}

engine::answer engine::reserve(const operation& what, once_mark& once) {
    if (what.number != 0) {
        std::uint64_t sequence = 0;
        const auto verdict = sessions_.reserve(what.numbered_in, what.number, now_us(), sequence);
        if (verdict == write_sessions::verdict::answered) return done_before(sequence);
        if (verdict != write_sessions::verdict::fresh) return refuse_number(verdict, what);
        once.how = once_mark::kind::number;
        once.session = what.numbered_in.session;
        once.number = what.number;
    } else if (!what.key.empty()) {
        once.key = key_use_of(what);
        key_record found;
        const auto verdict = table_of_keys(once.key.is_brief).reserve(once.key, now_us(), found);
        if (verdict == idempotency_keys::verdict::answered) return done_before(found.sequence);
        if (verdict != idempotency_keys::verdict::fresh) return refuse_key(verdict, what, found);
        once.how = once_mark::kind::key;
    }
    return std::nullopt;
}

outcome engine::refuse_key(idempotency_keys::verdict why, const operation& what,
                           const key_record& found) const {
    const std::string key = "idempotency key " + std::string(what.key);
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

outcome engine::refuse_number(write_sessions::verdict why, const operation& what) const {
    const std::string number =
        "number " + std::to_string(what.number) + " of write session " + to_text(what.numbered_in.session);
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

void engine::release(const once_mark& once) {
    if (once.how == once_mark::kind::key) table_of_keys(once.key.is_brief).release(once.key);
    if (once.how == once_mark::kind::number) sessions_.release(once.session, once.number);
}

// With publishing_.
void engine::keep(const entry& made) {
    const once_mark& once = made.once;
    if (once.how == once_mark::kind::number) sessions_.keep(once.session, once.number, made.made.sequence);
    if (once.how != once_mark::kind::key) return;
    const key_record record{once.key.key,    once.key.request, made.made.sequence,
                            made.made.at_us, once.key.caller,  once.key.is_brief};
    table_of_keys(once.key.is_brief).keep(record);
    if (notes_changes_) changed_keys_.push_back(record);
}

bool engine::answer_again(const operation& what, outcome& again, bool may_read) const {
    if (what.what == verb::freeze) return true;
    const table* in = nullptr;
    if (what.what == verb::reversal) {
        if (const auto found = find_table_of(again.sequence)) in = *found;
    } else {
        in = tables_.find(std::string(what.prefix) + std::string(what.name));
    }
    bool was_read = true;
    if (in) again.state = state_made_by(*in, again.sequence, may_read, was_read);
    if (!was_read) return false;
    if (!again.state)
        again = not_done(v1::Outcome::REFUSED, wire::status::data_loss,
                         "this was applied before as commit " + std::to_string(again.sequence) +
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
