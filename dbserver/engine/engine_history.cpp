// Mutations that read a table's history: reversals, and duplicates whose state is not in memory any more.
//
// Reading a file may take long. So it is done on the history thread with no lock held, and other commits do
// not wait for it. A call of commit that has such a mutation continues on the history thread from there. It
// is completed on the journal thread, like all others.
#include "dbserver/engine/engine.hpp"

#include "dbserver/journal/commit_index.hpp"
#include "dbserver/table/history.hpp"

namespace stadion::dbserver {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t reversal_attempts_max = 100;
constexpr std::size_t history_queue_max = 256;

outcome refused(wire::error why) {
    outcome what;
    what.result = v1::Outcome::REFUSED;
    what.failure = std::move(why);
    return what;
}

outcome not_now(wire::status code, std::string message, std::chrono::milliseconds retry_after) {
    outcome what;
    what.result = v1::Outcome::UNAVAILABLE;
    what.failure = wire::make_error(code, std::move(message));
    what.failure->retry_after = retry_after;
    return what;
}

wire::error no_such_update(std::uint64_t sequence) {
    return wire::make_error(wire::status::not_found,
                            "no update has the sequence " + std::to_string(sequence));
}

} // namespace

void engine::queue_for_history_thread(commit_task&& task) {
    {
        std::lock_guard hold(history_lock_);
        if (history_queue_.size() < history_queue_max && !history_stops_) {
            history_queue_.push_back(std::move(task));
            return history_wake_.notify_one();
        }
    }
    const outcome full =
        not_now(wire::status::unavailable,
                std::to_string(history_queue_max) + " requests wait for the past already", 500ms);
    for (std::size_t& index = task.next; index < task.mutations.size(); ++index)
        task.owned_reply->outcomes[index] = full;
    end_commit(task);
}

void engine::run_history_thread() {
    for (;;) {
        commit_task task;
        {
            std::unique_lock hold(history_lock_);
            history_wake_.wait(hold, [this] { return history_stops_ || !history_queue_.empty(); });
            if (history_queue_.empty()) return;
            task = std::move(history_queue_.front());
            history_queue_.pop_front();
        }
        perform_all(task, true);
        end_commit(task);
    }
}

void engine::stop_history_thread() {
    {
        std::lock_guard hold(history_lock_);
        history_stops_ = true;
    }
    history_wake_.notify_one();
    if (history_thread_.joinable()) history_thread_.join();
}

// The next state is computed without the table's lock, and again if the table has changed meanwhile.
engine::answer engine::reverse(operation op, const dedup_id& dedup, commit_task& task) {
    auto found = find_table_of(op.reverses);
    if (!found) return refused(found.error());
    table& in = **found;
    op.prefix = std::string_view(in.name).starts_with(games_prefix) ? games_prefix : teams_prefix;
    op.name = std::string_view(in.name).substr(op.prefix.size());
    for (std::uint64_t attempt = 0; attempt < reversal_attempts_max; ++attempt) {
        state_ptr base;
        {
            std::lock_guard hold(in.lock);
            base = in.latest;
        }
        const auto lines = lines_of(in);
        if (!lines) return refused(lines.error());
        auto becomes = without(*lines, options_.within, op.reverses);

        std::shared_lock no_rollback(rollback_lock_);
        if (auto refusal = refuse_now()) return refusal;
        std::lock_guard hold(in.lock);
        if (in.latest != base) continue;
        if (!becomes) return refuse(becomes.error(), base != in.published, task);
        auto next = std::make_shared<state>(std::move(*becomes));
        const std::string text = to_json(*next);
        op.becomes = text;
        return change_table(op, dedup, in, base, std::move(next), task);
    }
    return not_now(wire::status::aborted, in.name + " changes too fast for an update to be undone", 100ms);
}

// Looks in the order of cost: retained events, lines in memory, the index on the disk.
wire::result<table*> engine::find_table_of(std::uint64_t sequence) const {
    if (sequence == 0 || sequence > this->sequence()) return no_such_update(sequence);
    if (const auto retained = publication_.find(sequence)) {
        table* in = retained->state ? tables_.find(retained->state->table()) : nullptr;
        if (in) return in;
        return no_such_update(sequence);
    }
    // Twice, because between the look at the index and at the memory a checkpoint may move the line to the
    // disk.
    for (int look = 0; look < 2; ++look) {
        const auto number = find_archived(sequence);
        if (!number) return number.error();
        for (table* one : tables_numbered(*number))
            if (has_commit(*one, sequence, *number != 0)) return one;
    }
    return no_such_update(sequence);
}

// All tables for number 0.
std::vector<table*> engine::tables_numbered(std::uint64_t number) const {
    std::vector<table*> found;
    tables_.visit({}, {}, [&](table& one) {
        if (number == 0 || one.number == number) found.push_back(&one);
        return true;
    });
    return found;
}

bool engine::has_commit(const table& in, std::uint64_t sequence, bool looks_into_archive) const {
    {
        std::lock_guard hold(in.lock);
        if (in.recent.has(sequence)) return true;
    }
    if (!looks_into_archive) return false;
    const auto lines = lines_of(in);
    return lines && has_line_of(*lines, sequence);
}

} // namespace stadion::dbserver
