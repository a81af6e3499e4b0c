// What a commit needs of the past: reversals, which read a table's history, and answers given long ago.
//
// Reading files takes as long as the disk does, so it is done on a thread of its own, with no lock held, and
// no commit waits for it. A request that has such a mutation goes on there from that mutation, and is
// answered on the journal's thread as all are.
#include "dbserver/engine/engine.hpp"

#include "dbserver/journal/commit_index.hpp"
#include "dbserver/table/history.hpp"

namespace stadion::dbserver {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t reversal_attempts_max = 100;
constexpr std::size_t past_waiting_max = 256;

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

void engine::hand_over(unfinished&& work) {
    {
        std::lock_guard hold(past_lock_);
        if (past_waiting_.size() < past_waiting_max && !past_ends_) {
            past_waiting_.push_back(std::move(work));
            return past_wake_.notify_one();
        }
    }
    const outcome full =
        not_now(wire::status::unavailable,
                std::to_string(past_waiting_max) + " requests wait for the past already", 500ms);
    for (std::size_t& index = work.next; index < work.mutations.size(); ++index)
        work.holder->outcomes[index] = full;
    end_request(work);
}

void engine::run_past() {
    for (;;) {
        unfinished work;
        {
            std::unique_lock hold(past_lock_);
            past_wake_.wait(hold, [this] { return past_ends_ || !past_waiting_.empty(); });
            if (past_waiting_.empty()) return;
            work = std::move(past_waiting_.front());
            past_waiting_.pop_front();
        }
        perform_all(work, true);
        end_request(work);
    }
}

void engine::end_past() {
    {
        std::lock_guard hold(past_lock_);
        past_ends_ = true;
    }
    past_wake_.notify_one();
    if (past_thread_.joinable()) past_thread_.join();
}

// The state that follows is computed without the table's lock; if the table has moved on meanwhile, it is
// computed again.
engine::answer engine::reverse(operation what, const once_mark& once, request& owner, std::size_t index) {
    auto found = find_table_of(what.reverses);
    if (!found) return refused(found.error());
    table& in = **found;
    what.prefix = std::string_view(in.name).starts_with(games_prefix) ? games_prefix : teams_prefix;
    what.name = std::string_view(in.name).substr(what.prefix.size());
    for (std::uint64_t attempt = 0; attempt < reversal_attempts_max; ++attempt) {
        state_ptr base;
        {
            std::lock_guard hold(in.lock);
            base = in.latest;
        }
        const auto lines = lines_of(in);
        if (!lines) return refused(lines.error());
        auto becomes = without(*lines, options_.within, what.reverses);

        std::shared_lock passing(gate_);
        if (auto refusal = refuse_now()) return refusal;
        std::lock_guard hold(in.lock);
        if (in.latest != base) continue;
        if (!becomes) return refuse(becomes.error(), base != in.published, owner, index);
        auto next = std::make_shared<state>(std::move(*becomes));
        const std::string text = to_json(*next, json_layout::compact);
        what.becomes = text;
        return change_table(what, once, in, base, std::move(next), owner, index);
    }
    return not_now(wire::status::aborted, in.name + " changes too fast for an update to be undone", 100ms);
}

// In the order of cost: what is retained, what is in memory, what is on the disk.
wire::result<table*> engine::find_table_of(std::uint64_t sequence) const {
    if (sequence == 0 || sequence > this->sequence()) return no_such_update(sequence);
    if (const auto retained = publication_.find(sequence)) {
        table* in = retained->state ? tables_.find(retained->state->table()) : nullptr;
        if (in) return in;
        return no_such_update(sequence);
    }
    // Twice, for between the two looks a checkpoint may take it from memory to the disk.
    for (int look = 0; look < 2; ++look) {
        const auto number = find_archived(sequence);
        if (!number) return number.error();
        for (table* one : tables_numbered(*number))
            if (has_commit(*one, sequence, *number != 0)) return one;
    }
    return no_such_update(sequence);
}

// All of them for 0.
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
