#include "test/support/store_campaign.hpp"

#include "dbserver/table/state_json.hpp"
#include "test/support/campaign_store.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace stadion::test {
namespace {

using namespace dbserver;

// What was published, from the feed: the truth that recovery is compared with.
struct published_event {
    std::string table; // empty for a freeze
    std::string json;
    event_kind kind = event_kind::update;
};

struct acknowledgement {
    std::size_t after_changes = 0;
    std::uint64_t sequence = 0;
};

struct known_key {
    v1::Mutation mutation;
    std::uint64_t sequence = 0;
    std::string json;
};

struct life {
    std::vector<disk_change> trace;
    std::vector<published_event> events; // sequence 1 first
    std::vector<acknowledgement> acknowledged;
    std::vector<known_key> keys;
};

class workload {
public:
    workload(std::uint64_t seed, manual_clock& clock)
        : random_(static_cast<std::uint32_t>(seed * 2654435761u + 1)), clock_(clock) {}

    life run() {
        opened_ = open_on({}, clock_, true);
        watching_ = opened_.store->watch([this](std::span<const event> batch) { note(batch); });
        const unsigned actions = 6 + random_() % 14;
        for (unsigned i = 0; i < actions; ++i) act();
        opened_.store->stop();
        watching_ = {};
        life_.trace = opened_.disk->trace();
        return std::move(life_);
    }

private:
    void act() {
        clock_.advance(1 + random_() % 1000);
        switch (random_() % 10) {
        case 0:
            opened_.store->checkpoint_now();
            break;
        case 1:
            opened_.store->prepare_segment();
            break;
        case 2: {
            std::thread beside([this] { opened_.store->checkpoint_now(); });
            commit();
            commit();
            beside.join();
            break;
        }
        case 3:
            commit(), commit(), commit();
            break;
        case 4:
            wait();
            commit_one(make_freeze(random_() % 2 == 0));
            break;
        case 5:
            wait();
            if (const auto last = opened_.store->sequence())
                commit_one(make_reversal(1 + random_() % last, "a mistake"));
            break;
        default:
            commit();
            break;
        }
        if (random_() % 3 != 0) wait();
    }

    void commit() {
        std::vector<v1::Mutation> mutations;
        for (unsigned count = 1 + random_() % 5; count > 0; --count) mutations.push_back(random_mutation());
        send(std::move(mutations));
    }

    void commit_one(v1::Mutation mutation) {
        std::vector<v1::Mutation> mutations;
        mutations.push_back(std::move(mutation));
        send(std::move(mutations));
        wait();
    }

    v1::Mutation random_mutation() {
        if (random_() % 8 == 0) {
            std::lock_guard hold(lock_);
            if (!life_.keys.empty()) return life_.keys[random_() % life_.keys.size()].mutation;
        }
        const std::string key = random_() % 2 ? "key " + std::to_string(++keys_) : std::string();
        const std::string which = std::to_string(random_() % 3);
        if (random_() % 2)
            return add_medal("team " + which, random_() % 2 ? "gold" : "silver", random_() % 4 ? 1 : -1, key);
        v1::Mutation mutation =
            set_points("game/" + which, {{"A", static_cast<std::int32_t>(random_() % 100)}}, key);
        if (random_() % 3 == 0) mutation.mutable_update_score()->set_title(std::string(random_() % 300, 't'));
        if (random_() % 4 == 0) mutation.set_expect_version(random_() % 4);
        return mutation;
    }

    void send(std::vector<v1::Mutation> mutations) {
        ++pending_;
        auto sent = mutations;
        opened_.store->commit(std::move(mutations),
                              [this, sent = std::move(sent)](std::vector<outcome> outcomes) {
                                  std::lock_guard hold(lock_);
                                  std::uint64_t highest = 0;
                                  for (std::size_t i = 0; i < outcomes.size(); ++i) {
                                      if (outcomes[i].result != v1::Outcome::APPLIED) continue;
                                      highest = outcomes[i].sequence;
                                      if (!sent[i].idempotency_key().empty())
                                          life_.keys.push_back({sent[i], highest, outcomes[i].state->json()});
                                  }
                                  if (highest)
                                      life_.acknowledged.push_back({opened_.disk->trace_size(), highest});
                                  --pending_;
                                  pending_.notify_all();
                              });
    }

    void wait() {
        for (int now = pending_; now != 0; now = pending_) pending_.wait(now);
    }

    // What can be read must stay as much as what was answered.
    void note(std::span<const event> batch) {
        std::lock_guard hold(lock_);
        life_.acknowledged.push_back({opened_.disk->trace_size(), batch.back().sequence});
        for (const event& one : batch) {
            published_event& next = life_.events.emplace_back();
            next.kind = one.kind;
            if (one.state) next.table = one.state->table(), next.json = one.state->json();
        }
    }

    std::mt19937 random_;
    manual_clock& clock_;
    opened_store opened_;
    subscription watching_;
    std::mutex lock_;
    std::atomic<int> pending_{0};
    int keys_ = 0;
    life life_;
};

using board = std::map<std::string, std::string>;

struct expected_board {
    board everything;
    board public_view;
    std::uint64_t frozen_since = 0;
};

expected_board board_after(const life& of, std::uint64_t sequence) {
    expected_board now;
    for (std::uint64_t i = 0; i < sequence; ++i) {
        const published_event& one = of.events[i];
        if (!one.table.empty()) now.everything[one.table] = one.json;
        if (one.kind == event_kind::frozen && now.frozen_since == 0)
            now.frozen_since = i + 1, now.public_view = now.everything;
        if (one.kind == event_kind::thawed) now.frozen_since = 0;
    }
    if (now.frozen_since == 0) now.public_view = now.everything;
    return now;
}

board board_of(const store& in, audience who) {
    board found;
    for (const state_ptr& one : in.scan("", {}, who)) found[one->table()] = one->json();
    return found;
}

std::string show(const board& what) {
    std::string text;
    for (const auto& [name, json] : what) text += "\n    " + json;
    return text;
}

class crash_checker {
public:
    crash_checker(std::uint64_t seed, const life& of, const manual_clock& clock, campaign_figures& figures)
        : seed_(seed),
          life_(of),
          clock_(clock),
          figures_(figures),
          random_(static_cast<std::uint32_t>(seed)) {}

    void run(unsigned states) {
        simulated_disk disk;
        for (std::size_t point = 0; point <= life_.trace.size() && figures_.broken_promises == 0; ++point) {
            if (point > 0) disk.apply(life_.trace[point - 1]);
            point_ = point;
            while (next_ack_ < life_.acknowledged.size() &&
                   life_.acknowledged[next_ack_].after_changes <= point)
                required_ = std::max(required_, life_.acknowledged[next_ack_++].sequence);
            ++figures_.crash_points;
            for (unsigned i = 0; i < states; ++i) {
                const auto style = i == 0   ? crash_style::drop_all
                                   : i == 1 ? crash_style::keep_all
                                            : crash_style::random;
                try_disk(disk.crashed(style, random_));
            }
        }
    }

private:
    void broken(const std::string& how) {
        figures_.broken(seed_, "crash after change " + std::to_string(point_) + " of " +
                                   std::to_string(life_.trace.size()) + ": " + how);
    }

    void try_disk(simulated_disk disk) {
        ++figures_.crash_states;
        figures_.distinct_crash_states.insert(disk.fingerprint());
        for (const char* kind : {"/data/tables/games", "/data/tables/teams"})
            for (const std::string& name : disk.names(kind))
                if (name.ends_with(".json") &&
                    !state_from_json(*disk.contents(std::string(kind) + "/" + name)))
                    return broken("the table file " + name + " is not whole");
        try {
            const bool again = random_() % 4 == 0;
            const simulated_disk before = again ? disk : simulated_disk{};
            opened_store opened = open_on(std::move(disk), clock_, again);
            const std::uint64_t found = check(*opened.store);
            if (!again) return;
            leaves_nothing_to_repair(opened);
            // What was read once stays, whatever happens next; and a crash while opening changes nothing.
            opened_store once_more =
                open_on(opened.disk->disk().crashed(crash_style::random, random_), clock_);
            if (check(*once_more.store) < found) broken("what was read after a crash was lost by the next");
            live_on(once_more);
            const auto trace = opened.disk->trace();
            simulated_disk part = before;
            const std::size_t changes = random_() % (trace.size() + 1);
            for (std::size_t i = 0; i < changes; ++i) part.apply(trace[i]);
            opened_store third = open_on(part.crashed(crash_style::random, random_), clock_);
            check(*third.store);
            live_on(third);
        } catch (const std::exception& refused) {
            broken(std::string("opening refused: ") + refused.what());
        }
    }

    // A start that follows finds nothing that this one should have mended.
    void leaves_nothing_to_repair(const opened_store& in) {
        const opened_store next = open_on(in.disk->disk(), clock_);
        const auto warnings = next.store->health().warnings;
        if (!warnings.empty()) broken("recovery left something to repair: " + warnings.front());
    }

    // What a recovery left behind must not be in the way of the commits that follow, nor of the next start.
    void live_on(const opened_store& in) {
        std::uint64_t last = 0;
        for (unsigned count = 6 + random_() % 12; count > 0; --count)
            last = commit_and_wait(*in.store, add_medal("team after", "gold")).sequence;
        const opened_store next = open_on(in.disk->disk(), clock_);
        if (next.store->sequence() != last) broken("what was committed after a crash was lost");
    }

    std::uint64_t check(json_store& store) {
        const std::uint64_t found = store.sequence();
        if (found < required_)
            broken("commit " + std::to_string(required_) + " was acknowledged, but the last found is " +
                   std::to_string(found));
        if (found > life_.events.size()) return broken("a commit was found that never was"), found;
        const expected_board expected = board_after(life_, found);
        if (const board now = board_of(store, audience::scorer); now != expected.everything)
            broken("after commit " + std::to_string(found) + " expected" + show(expected.everything) +
                   "\n  found" + show(now));
        if (store.frozen_since().value_or(freeze_point{}).sequence != expected.frozen_since)
            broken("frozen or thawed wrongly");
        if (board_of(store, audience::everyone) != expected.public_view) broken("the public view is wrong");
        check_history(store, found);
        check_key(store, found);
        return found;
    }

    void check_history(const json_store& store, std::uint64_t found) {
        if (found == 0) return;
        const std::string table = life_.events[random_() % found].table;
        if (table.empty()) return;
        std::vector<std::string> expected;
        for (std::uint64_t i = 0; i < found; ++i)
            if (life_.events[i].table == table) expected.push_back(life_.events[i].json);
        const auto past = store.history(table, 0, SIZE_MAX, audience::scorer);
        if (!past) return broken("history of " + table + ": " + past.error().message);
        if (past->size() != expected.size()) return broken("the history of " + table + " has gaps");
        for (std::size_t i = 0; i < expected.size(); ++i)
            if ((*past)[i].state->json() != expected[i])
                return broken("the history of " + table + " is wrong");
    }

    // Last, because a key that is not known is used by asking.
    void check_key(json_store& store, std::uint64_t found) {
        if (life_.keys.empty()) return;
        const known_key& one = life_.keys[random_() % life_.keys.size()];
        if (one.sequence > found) return;
        const outcome again = commit_and_wait(store, one.mutation);
        if (again.result != v1::Outcome::DUPLICATE)
            return broken("the key of commit " + std::to_string(one.sequence) + " was lost");
        if (again.sequence != one.sequence || again.state->json() != one.json)
            broken("the answer kept with the key of commit " + std::to_string(one.sequence) + " is wrong");
    }

    const std::uint64_t seed_;
    const life& life_;
    const manual_clock& clock_;
    campaign_figures& figures_;
    std::mt19937 random_;
    std::size_t point_ = 0;
    std::size_t next_ack_ = 0;
    std::uint64_t required_ = 0;
};

} // namespace

void campaign_figures::broken(std::uint64_t seed, const std::string& how) {
    if (broken_promises++ == 0) first_broken = "seed " + std::to_string(seed) + ": " + how;
}

void try_crashes(std::uint64_t seed, unsigned states, campaign_figures& figures) {
    manual_clock clock;
    const life lived = workload(seed, clock).run();
    ++figures.workloads;
    figures.commits += lived.events.size();
    crash_checker(seed, lived, clock, figures).run(states);
}

} // namespace stadion::test
