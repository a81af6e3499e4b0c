// Reading, and restoring at start.
#include "dbserver/engine/engine.hpp"

#include "dbserver/table/history.hpp"

namespace stadion::dbserver {

std::shared_ptr<const engine::frozen_board> engine::frozen() const {
    if (!is_frozen_.load(std::memory_order_acquire)) return nullptr;
    std::lock_guard hold(frozen_lock_);
    return frozen_;
}

std::optional<freeze_point> engine::frozen_since() const {
    const auto board = frozen();
    return board ? std::optional(board->since) : std::nullopt;
}

state_ptr engine::load(std::string_view name, audience who) const {
    if (who == audience::everyone)
        if (const auto board = frozen()) {
            const auto at = board->states.find(name);
            return at == board->states.end() ? nullptr : at->second;
        }
    const table* in = tables_.find(name);
    if (!in) return nullptr;
    std::lock_guard hold(in->lock);
    return in->published;
}

std::vector<state_ptr> engine::scan(std::string_view prefix, page which, audience who) const {
    std::vector<state_ptr> found;
    if (which.limit == 0) return found;
    const auto board = who == audience::everyone ? frozen() : nullptr;
    if (board) {
        auto at =
            which.after > prefix ? board->states.upper_bound(which.after) : board->states.lower_bound(prefix);
        for (; at != board->states.end() && at->first.starts_with(prefix) && found.size() < which.limit; ++at)
            found.push_back(at->second);
        return found;
    }
    tables_.visit(prefix, which.after, [&](const table& in) {
        std::lock_guard hold(in.lock);
        if (in.published) found.push_back(in.published);
        return found.size() < which.limit;
    });
    return found;
}

wire::result<std::string> engine::lines_of(const table& in) const {
    std::string recent;
    std::uint64_t archive_bytes = 0;
    std::uint32_t archive_crc = 0;
    {
        std::lock_guard hold(in.lock);
        archive_bytes = in.archive_bytes;
        archive_crc = in.archive_crc;
        recent = in.recent.text();
    }
    if (archive_bytes == 0) return recent;
    auto lines = read_archive(in, archive_bytes, archive_crc);
    if (lines) *lines += recent;
    return lines;
}

wire::result<state_ptr> engine::load_at(std::string_view name, std::int64_t at_us, audience who) const {
    const auto published = sequence(); // before frozen(): commits after a freeze that it misses are not shown
    const auto board = who == audience::everyone ? frozen() : nullptr;
    const table* in = tables_.find(name);
    if (!in) return state_ptr{};
    state_ptr now = load(name, who);
    if (!now || now->updated_at_us() <= at_us) return now;
    const auto lines = lines_of(*in);
    if (!lines) return lines.error();
    return state_at(*lines, options_.within, at_us, board ? board->since.sequence : published);
}

wire::result<std::vector<state_ptr>> engine::scan_at(std::string_view prefix, std::int64_t at_us, page which,
                                                     audience who) const {
    std::vector<state_ptr> found;
    std::string after(which.after);
    while (found.size() < which.limit) {
        const auto some = scan(prefix, {after, 256}, who);
        if (some.empty()) break;
        after = some.back()->table();
        for (const state_ptr& now : some) {
            auto then = load_at(now->table(), at_us, who);
            if (!then) return then.error();
            if (*then && found.size() < which.limit) found.push_back(std::move(*then));
        }
    }
    return found;
}

wire::result<std::vector<change>> engine::history(std::string_view name, std::uint32_t after_version,
                                                  std::size_t limit, audience who) const {
    const auto published = sequence();
    const auto board = who == audience::everyone ? frozen() : nullptr;
    const table* in = tables_.find(name);
    if (!in || !load(name, who))
        return wire::make_error(wire::status::not_found, "no such table: " + std::string(name));
    const std::uint64_t up_to = board ? board->since.sequence : published;
    const auto lines = lines_of(*in);
    if (!lines) return lines.error();
    return changes_of(*lines, options_.within, after_version, up_to, limit);
}

subscription engine::watch(sink to) { return publication_.watch(std::move(to)); }

std::optional<std::vector<event>> engine::events_since(std::uint64_t since, std::size_t limit) const {
    return publication_.since(since, limit);
}

health_report engine::health() const {
    health_report report;
    report.state = current_condition();
    report.frozen = is_frozen_.load(std::memory_order_relaxed);
    report.sequence = sequence();
    report.batches = batches_.load(std::memory_order_relaxed);
    report.mutations = mutations_.load(std::memory_order_relaxed);
    report.pending_mutations = pending_mutations_.load(std::memory_order_relaxed);
    report.tables = tables_.size();
    report.idempotency_keys = keys_.size() + retry_keys_.size();
    report.sessions = sessions_.size();
    std::lock_guard hold(report_lock_);
    report.detail = condition_detail_;
    report.warnings = warnings_;
    return report;
}

void engine::set_condition(condition now, std::string detail) {
    std::lock_guard hold(report_lock_);
    if (!may_become(condition_.load(std::memory_order_relaxed), now)) return;
    condition_detail_ = std::move(detail);
    condition_.store(now, std::memory_order_release);
}

void engine::warn(std::string warning) {
    constexpr std::size_t warnings_max = 100;
    std::lock_guard hold(report_lock_);
    if (warnings_.size() < warnings_max) warnings_.push_back(std::move(warning));
}

void engine::restore_time(std::int64_t at_us) {
    last_at_us_ = published_at_us_ = std::max(last_at_us_, at_us);
}

table& engine::restore(state_ptr checkpointed) {
    restore_time(checkpointed->updated_at_us());
    table& in = tables_.find_or_make(checkpointed->table());
    in.latest = checkpointed;
    in.published = std::move(checkpointed);
    return in;
}

void engine::restart_history(table& in) { rewrite_history(in, line_of_state(*in.published)); }

void engine::rewrite_history(table& in, std::string_view lines) {
    in.archive_bytes = 0;
    in.archive_crc = 0;
    in.recent = {};
    for_each_line(lines,
                  [&](std::string_view line, std::uint64_t sequence) { in.recent.append(sequence, line); });
    if (!std::exchange(in.dirty, true)) changed_tables_.push_back(&in);
}

wire::result<void> engine::restore_frozen(freeze_point since) {
    freeze_now(since);
    auto board = std::make_shared<frozen_board>(*frozen());
    for (auto at = board->states.begin(); at != board->states.end();) {
        if (at->second->sequence() > since.sequence) {
            const auto lines = lines_of(*tables_.find(at->first));
            if (!lines) return lines.error();
            auto then = state_at(*lines, options_.within, INT64_MAX, since.sequence);
            if (!then) return then.error();
            at->second = std::move(*then);
        }
        at = at->second ? std::next(at) : board->states.erase(at);
    }
    std::lock_guard hold(frozen_lock_);
    frozen_ = std::move(board);
    return {};
}

void engine::restore_sequence(std::uint64_t sequence) {
    last_sequence_ = sequence;
    published_sequence_.store(sequence, std::memory_order_release);
    publication_.begin_after(sequence);
}

void engine::replay_earlier_line(std::string_view text) {
    json_reader in(text);
    line one;
    if (!read_line(in, one) || one.op.kind == operation_kind::freeze) return;
    table& where = tables_.find_or_make(std::string(one.op.prefix) + std::string(one.op.name));
    if (one.version != (where.published ? where.published->version() : 0) + 1) return;
    const auto next = next_state(one, options_.within, where.published.get());
    if (!next) return;
    where.published = where.latest = next;
    where.recent.append(one.sequence, text);
    if (!std::exchange(where.dirty, true)) changed_tables_.push_back(&where);
}

void engine::restore_dedup(const line& one) {
    if (one.op.number != 0) sessions_.restore(one.op.numbered_in, one.op.number, one.sequence, one.at_us);
    if (one.op.key.empty()) return;
    const key_use dedup = key_use_of(one.op);
    const key_record record{dedup.key, dedup.request, one.sequence,
                            one.at_us, dedup.caller,  dedup.is_retry_key};
    restore_key(record);
    if (notes_changes_) changed_keys_.push_back(record);
}

wire::result<void> engine::replay_line(std::string_view text, bool gaps_are_allowed) {
    json_reader in(text);
    line one;
    if (!read_line(in, one)) return wire::make_error(wire::status::data_loss, "is not a line of the journal");
    event made;
    made.sequence = one.sequence;
    made.at_us = one.at_us;
    table* where = nullptr;
    restore_time(one.at_us);
    if (one.op.kind == operation_kind::freeze) {
        made.kind = one.op.frozen ? event_kind::frozen : event_kind::thawed;
        if (one.op.frozen)
            freeze_now({one.sequence, one.at_us});
        else
            thaw_now();
    } else {
        std::string name(one.op.prefix);
        name += one.op.name;
        where = &tables_.find_or_make(name);
        const state_ptr before = where->published;
        const std::uint32_t version = before ? before->version() : 0;
        if (gaps_are_allowed && before && before->sequence() >= one.sequence) return {};
        auto next = next_state(one, options_.within, before.get());
        const bool follows = next && one.version == version + 1;
        if (!next || (!follows && !gaps_are_allowed))
            return wire::make_error(wire::status::data_loss,
                                    "does not follow version " + std::to_string(version) + " of " + name);
        where->published = where->latest = made.state = next;
        if (follows)
            where->recent.append(one.sequence, text);
        else
            restart_history(*where);
        made.kind = one.op.kind == operation_kind::reversal ? event_kind::reversal : event_kind::update;
        made.reverses = one.op.reverses;
        if (notes_changes_ && !std::exchange(where->dirty, true)) changed_tables_.push_back(where);
    }
    restore_dedup(one);
    if (gaps_are_allowed && one.sequence != last_sequence_ + 1) publication_.begin_after(one.sequence - 1);
    last_sequence_ = std::max(last_sequence_, one.sequence);
    published_sequence_.store(last_sequence_, std::memory_order_release);
    publication_.retain({&made, 1});
    return {};
}

} // namespace stadion::dbserver
