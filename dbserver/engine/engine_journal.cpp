// The journal thread's side of the write path: batches become durable, then visible, then answered.
#include "dbserver/engine/engine.hpp"
#include "dbserver/table/planted_bug.hpp"

#include <cassert>

namespace stadion::dbserver {

void engine::start() {
    journal_thread_ = std::thread([this] { run_journal(); });
    history_thread_ = std::thread([this] { run_history_thread(); });
}

void engine::stop() {
    std::lock_guard once(stop_lock_);
    set_condition(condition::stopped, "the server is stopping");
    stop_history_thread(); // before the journal thread, which completes its commits
    {
        std::unique_lock no_commits(rollback_lock_);
        std::lock_guard hold(sequencer_);
        stopping_ = true;
    }
    work_.notify_one();
    if (journal_thread_.joinable()) journal_thread_.join();
}

void engine::run_journal() {
    batch taken;
    for (;;) {
        {
            std::unique_lock hold(sequencer_);
            work_.wait(hold, [this] { return stopping_ || !open_.empty(); });
            journal_ended_ = open_.empty();
            if (journal_ended_) return;
            std::swap(taken, open_);
        }
        if (planted(bug::publishes_before_sync)) publish(taken);
        std::string failure;
        const written became =
            taken.entries.empty() ? written::durable
                                  : persist(taken.records, taken.entries.back().feed_event.sequence, failure);
        if (became == written::durable) {
            if (!planted(bug::publishes_before_sync)) publish(taken);
            complete(taken);
        } else {
            wire::error why = wire::make_error(wire::status::unavailable, failure);
            why.outcome_unknown = became == written::unknown;
            why.retry_after = std::chrono::seconds(1);
            if (!why.outcome_unknown && current_condition() == condition::disk_full) {
                why.code = wire::status::resource_exhausted;
                why.details["http_status"] = "507";
            }
            roll_back(taken, why.outcome_unknown ? v1::Outcome::UNKNOWN : v1::Outcome::UNAVAILABLE, why);
            if (why.outcome_unknown && options_.on_poisoned) options_.on_poisoned();
        }
        taken.clear();
    }
}

void engine::publish(batch& durable) {
    if (durable.entries.empty()) return;
    std::vector<event> events;
    events.reserve(durable.entries.size());
    {
        std::lock_guard publishing(publishing_);
        for (entry& one : durable.entries) publish_entry(one, events);
        published_sequence_.store(events.back().sequence, std::memory_order_release);
        published_at_us_ = events.back().at_us;
    }
    batches_.fetch_add(1, std::memory_order_relaxed);
    mutations_.fetch_add(durable.entries.size(), std::memory_order_relaxed);
    publication_.publish(events);
}

void engine::publish_entry(entry& one, std::vector<event>& events) {
    if (one.target) {
        std::lock_guard hold(one.target->lock);
        one.target->published = one.next;
        if (notes_changes_ && !std::exchange(one.target->dirty, true)) changed_tables_.push_back(one.target);
    } else if (one.feed_event.kind == event_kind::frozen) {
        freeze_now({one.feed_event.sequence, one.feed_event.at_us});
    } else {
        thaw_now();
    }
    keep(one);
    outcome& told = one.reply_to->outcomes[one.index];
    told.result = v1::Outcome::APPLIED;
    told.sequence = one.feed_event.sequence;
    told.state = one.next;
    one.feed_event.state = std::move(one.next);
    events.push_back(std::move(one.feed_event));
}

// Freezing a frozen board has no effect.
void engine::freeze_now(freeze_point since) {
    if (is_frozen_.load(std::memory_order_acquire)) return;
    auto board = std::make_shared<frozen_board>();
    board->since = since;
    tables_.visit({}, {}, [&](table& one) {
        std::lock_guard hold(one.lock);
        if (one.published) board->states.emplace_hint(board->states.end(), one.name, one.published);
        return true;
    });
    std::lock_guard hold(frozen_lock_);
    frozen_ = std::move(board);
    is_frozen_.store(true, std::memory_order_release);
}

void engine::thaw_now() {
    std::lock_guard hold(frozen_lock_);
    frozen_.reset();
    is_frozen_.store(false, std::memory_order_release);
}

void engine::complete(batch& ended) {
    pending_mutations_.fetch_sub(ended.entries.size(), std::memory_order_relaxed);
    pending_bytes_.fetch_sub(ended.records.size(), std::memory_order_relaxed);
    for (auto& one : ended.replies) one->done(std::move(one->outcomes));
}

void engine::roll_back(batch& failed, result_code result, const wire::error& why) {
    batch drafted_on_it;
    rolling_back_.store(true, std::memory_order_release);
    {
        std::unique_lock no_commits(rollback_lock_);
        ++rollbacks_;
        {
            std::lock_guard hold(sequencer_);
            std::swap(drafted_on_it, open_);
            last_sequence_ = published_sequence_.load(std::memory_order_relaxed);
        }
        if (result == v1::Outcome::UNKNOWN) set_condition(condition::poisoned, why.message);
        for (batch* of : {&failed, &drafted_on_it}) {
            // The batch that was drafted on top was never written, so its outcome is known.
            const bool unknown = of == &failed && result == v1::Outcome::UNKNOWN;
            wire::error reason = why;
            reason.outcome_unknown = unknown;
            for (entry& one : of->entries)
                fail_entry(one, unknown ? result : v1::Outcome::UNAVAILABLE, reason);
            for (auto& one : of->replies)
                for (const std::size_t index : one->provisional) {
                    outcome& told = one->outcomes[index];
                    told = {};
                    told.result = v1::Outcome::UNAVAILABLE;
                    told.failure = reason;
                    told.failure->outcome_unknown = false;
                }
        }
        rolling_back_.store(false, std::memory_order_release);
    }
    complete(failed);
    complete(drafted_on_it);
}

void engine::fail_entry(entry& one, result_code result, const wire::error& why) {
    if (one.target && !planted(bug::keeps_failed_drafts)) {
        std::lock_guard hold(one.target->lock);
        one.target->latest = one.target->published;
        const std::uint64_t stays = one.target->published ? one.target->published->sequence() : 0;
        one.target->recent.drop_after(stays);
    }
    release(one.dedup);
    outcome& told = one.reply_to->outcomes[one.index];
    told = {};
    told.result = result;
    told.failure = why;
}

engine::changed_since engine::take_changes() {
    std::lock_guard between_batches(publishing_);
    changed_since changes;
    changes.through = published_sequence_.load(std::memory_order_relaxed);
    changes.at_us = published_at_us_;
    const auto board = frozen();
    changes.frozen_since = board ? board->since : freeze_point{};
    changes.keys.swap(changed_keys_);
    changes.sessions = sessions_.save(now_us());
    keys_.forget_expired(now_us());
    retry_keys_.forget_expired(now_us());
    changes.tables.reserve(changed_tables_.size());
    for (table* one : std::exchange(changed_tables_, {})) {
        std::lock_guard hold(one->lock);
        one->dirty = false;
        changes.tables.emplace_back(one, one->published);
    }
    return changes;
}

void engine::give_back(changed_since changes) {
    std::lock_guard between_batches(publishing_);
    for (const auto& [one, snapshot] : changes.tables) {
        std::lock_guard hold(one->lock);
        if (!std::exchange(one->dirty, true)) changed_tables_.push_back(one);
    }
    changed_keys_.insert(changed_keys_.begin(), changes.keys.begin(), changes.keys.end());
}

} // namespace stadion::dbserver
