#include "test/support/counted_life.hpp"

#include <future>

namespace stadion::test {

using namespace dbserver;

counted_life::counted_life(std::uint64_t seed, std::shared_ptr<faulty_files> disk, manual_clock& clock,
                           bool maintained)
    : random_(static_cast<std::uint32_t>(seed)),
      disk_(std::move(disk)),
      clock_(clock),
      maintained_(maintained) {}

bool counted_life::run() {
    json_store_options options = campaign_options(disk_, clock_);
    options.maintain = maintained_;
    options.checkpoint_every = options.disk_check_every = std::chrono::milliseconds(1);
    try {
        store_ = std::make_unique<json_store>(std::move(options));
    } catch (const std::exception&) {
        return false;
    }
    session_ = *store_->begin_session();
    for (unsigned i = 0; i < actions; ++i) {
        if (i == lift_at_) disk_->lift_fault();
        clock_.advance(random_() % 2 ? 1'000'000 : 10'500'000'000); // in all less than a day
        const unsigned action = random_() % 5;
        if (action == 0) store_->checkpoint_now();
        if (action == 1) store_->prepare_segment(), store_->check_disk_space();
        send(1 + random_() % 4);
    }
    store_->stop();
    store_.reset();
    return true;
}

// The lowest number that was not answered with success, or a number up to three below it.
std::uint64_t counted_life::lowest_open() {
    std::uint64_t answered = 1;
    for (const sent& one : sent_) {
        if (one.mutation.number() == 0) continue;
        if (one.before.result != v1::Outcome::APPLIED) break;
        answered = one.mutation.number() + 1;
    }
    const std::uint64_t lag = random_() % 4;
    return confirmed_below_ = std::max(confirmed_below_, answered > lag ? answered - lag : 1);
}

std::uint64_t counted_life::confirmed_at(std::size_t after_changes) const {
    std::uint64_t below = 1;
    for (const sent& one : sent_)
        if (one.begun_at <= after_changes) below = std::max(below, one.confirmed_below);
    return below;
}

void counted_life::send(unsigned count) {
    std::vector<v1::Mutation> mutations;
    const numbering numbered_in{session_, lowest_open()};
    for (unsigned i = 0; i < count; ++i) {
        const bool has_key = random_() % 2 == 0;
        const std::string key = has_key ? "key " + std::to_string(sent_.size() + i) : std::string();
        mutations.push_back(add_medal("team " + std::to_string(random_() % 2), "gold", 1, key));
        if (!has_key) mutations.back().set_number(++numbers_);
    }
    auto copy = mutations;
    const std::size_t begun_at = disk_->trace_size();
    std::promise<std::vector<outcome>> promise;
    std::size_t done_at = 0;
    store_->commit(
        std::move(mutations),
        [&](std::vector<outcome> all) {
            done_at = disk_->trace_size();
            promise.set_value(std::move(all));
        },
        numbered_in);
    auto outcomes = promise.get_future().get();
    for (unsigned i = 0; i < count; ++i)
        sent_.push_back(
            {std::move(copy[i]), std::move(outcomes[i]), begun_at, done_at, numbered_in.lowest_open});
}

// As a front-end does: when the session is unknown, in a new one.
outcome counted_life::ask_again(const sent& one, store& in) const {
    outcome again = commit_and_wait(in, one.mutation, {session_, one.confirmed_below});
    if (!again.failure || !again.failure->details.contains("session")) return again;
    v1::Mutation mutation = one.mutation;
    mutation.set_number(1);
    return commit_and_wait(in, mutation, {*in.begin_session(), 1});
}

std::string counted_life::check_one(const sent& one, store& in, std::size_t after_changes) const {
    const std::uint64_t number = one.mutation.number();
    const std::string name =
        number != 0 ? "number " + std::to_string(number) : one.mutation.idempotency_key();
    if (number != 0 && number < confirmed_at(after_changes)) return {};
    const outcome again = ask_again(one, in);
    if (again.result != v1::Outcome::APPLIED && again.result != v1::Outcome::DUPLICATE)
        return name + " cannot be repeated: " + again.failure->message;
    if (one.done_at > after_changes) return {};
    const bool is_repeated = again.result == v1::Outcome::DUPLICATE;
    switch (one.before.result) {
    case v1::Outcome::APPLIED:
        if (!is_repeated || again.sequence != one.before.sequence)
            return name + " was acknowledged and is lost";
        if (again.state->json() != one.before.state->json()) return name + " is answered differently";
        return {};
    case v1::Outcome::UNAVAILABLE:
        return is_repeated ? name + " was refused and happened" : std::string();
    case v1::Outcome::UNKNOWN:
        return {};
    default:
        return name + " was refused: " + one.before.failure->message;
    }
}

std::string counted_life::check(simulated_disk found, std::size_t after_changes) {
    constexpr std::int64_t an_hour_us = 3'600'000'000;
    clock_.advance(-an_hour_us);
    opened_store opened = open_on(std::move(found), clock_);
    std::map<std::string, unsigned> expected;
    std::int64_t latest_us = 0;
    std::string wrong;
    for (const sent& one : sent_) {
        if (one.begun_at > after_changes || !wrong.empty()) break;
        wrong = check_one(one, *opened.store, after_changes);
        if (one.before.result == v1::Outcome::APPLIED && one.done_at <= after_changes)
            latest_us = std::max(latest_us, one.before.state->updated_at_us());
        ++expected[one.mutation.increment_medal().team()];
    }
    if (wrong.empty() &&
        commit_and_wait(*opened.store, add_medal("late", "gold")).state->updated_at_us() < latest_us)
        wrong = "time went back with the clock";
    clock_.advance(an_hour_us);
    if (!wrong.empty()) return wrong;
    for (const auto& [team, count] : expected)
        if (const auto now = opened.store->load("teams/" + team, audience::scorer);
            !now || now->tally()->gold() != count)
            return team + " has a wrong number of medals";
    return {};
}

std::string counted_life::check_read(const store& reader, const simulated_disk& after) {
    opened_store opened = open_on(after, clock_);
    for (const state_ptr& one : reader.scan("", {}, audience::scorer)) {
        const auto now = opened.store->load(one->table(), audience::scorer);
        if (!now || now->json() != one->json()) return one->table() + " was read and is lost";
    }
    return {};
}

} // namespace stadion::test
