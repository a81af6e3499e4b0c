// The promise when a call fails, and when a byte changes.
#include "test/support/campaign_store.hpp"
#include "test/support/store_campaign.hpp"

#include "dbserver/damage.hpp"

#include <future>

namespace stadion::test {
namespace {

using namespace dbserver;

const char* name_of(fault how) {
    switch (how) {
    case fault::none:
        return "nothing";
    case fault::input_output_error:
        return "EIO";
    case fault::no_space:
        return "ENOSPC";
    case fault::short_write:
        return "a short write";
    case fault::torn_write:
        return "EIO in the middle of a write";
    }
    return "?";
}

// Medals one by one, each with a key, so that what happened how often can be counted.
class counted_life {
public:
    counted_life(std::uint64_t seed, std::shared_ptr<faulty_files> disk, const manual_clock& clock)
        : random_(static_cast<std::uint32_t>(seed)), disk_(std::move(disk)), clock_(clock) {}

    // False when the store could not even be opened.
    bool run() {
        try {
            store_ = std::make_unique<json_store>(campaign_options(disk_, clock_));
        } catch (const std::exception&) {
            return false;
        }
        for (int i = 0; i < 8; ++i) {
            const unsigned action = random_() % 5;
            if (action == 0) store_->checkpoint_now();
            if (action == 1) store_->prepare_segment(), store_->look_at_disk();
            send(1 + random_() % 4);
        }
        store_->stop();
        store_.reset();
        return true;
    }

    // With the disk whole again: every medal once, whether it is answered for the first time or again.
    std::string check(simulated_disk found) {
        opened_store opened = open_on(std::move(found), clock_);
        std::map<std::string, unsigned> expected;
        for (const sent& one : sent_) {
            const auto known =
                opened.store->load("teams/" + one.mutation.increment_medal().team(), audience::scorer);
            const outcome again = commit_and_wait(*opened.store, one.mutation);
            const std::string key = one.mutation.idempotency_key();
            if (again.result != v1::Outcome::APPLIED && again.result != v1::Outcome::DUPLICATE)
                return key + " cannot be repeated: " + again.failure->message;
            if (one.before.result == v1::Outcome::APPLIED &&
                (again.result != v1::Outcome::DUPLICATE || again.sequence != one.before.sequence))
                return key + " was acknowledged and is lost";
            if (one.before.result == v1::Outcome::UNAVAILABLE && again.result == v1::Outcome::DUPLICATE)
                return key + " was refused and happened";
            ++expected[one.mutation.increment_medal().team()];
        }
        for (const auto& [team, count] : expected)
            if (const auto now = opened.store->load("teams/" + team, audience::scorer);
                !now || now->tally()->gold() != count)
                return team + " has a wrong number of medals";
        return {};
    }

    std::string check_read(const store& reader, const simulated_disk& after) {
        opened_store opened = open_on(after, clock_);
        for (const state_ptr& one : reader.scan("", {}, audience::scorer)) {
            const auto now = opened.store->load(one->table(), audience::scorer);
            if (!now || now->json() != one->json()) return one->table() + " was read and is lost";
        }
        return {};
    }

private:
    struct sent {
        v1::Mutation mutation;
        outcome before;
    };

    void send(unsigned count) {
        std::vector<v1::Mutation> mutations;
        for (unsigned i = 0; i < count; ++i)
            mutations.push_back(add_medal("team " + std::to_string(random_() % 2), "gold", 1,
                                          "key " + std::to_string(sent_.size() + i)));
        auto copy = mutations;
        std::promise<std::vector<outcome>> promise;
        store_->commit(std::move(mutations),
                       [&](std::vector<outcome> all) { promise.set_value(std::move(all)); });
        auto outcomes = promise.get_future().get();
        for (unsigned i = 0; i < count; ++i) sent_.push_back({std::move(copy[i]), std::move(outcomes[i])});
    }

    std::mt19937 random_;
    std::shared_ptr<faulty_files> disk_;
    const manual_clock& clock_;
    std::unique_ptr<json_store> store_;
    std::vector<sent> sent_;
};

void try_one_failure(std::uint64_t seed, std::uint64_t call, fault how, bool lasting,
                     campaign_figures& figures) {
    manual_clock clock;
    auto disk = std::make_shared<faulty_files>();
    disk->fail_call(call, how, lasting);
    counted_life lived(seed, disk, clock);
    lived.run();
    disk->lift_fault();
    ++figures.failed_calls;
    std::mt19937 random(static_cast<std::uint32_t>(seed + call));
    const auto check = [&](const char* then, simulated_disk found, bool reads_first = false) {
        std::string wrong;
        try {
            if (reads_first) {
                // What a process reads must survive a crash that follows, whatever it found in the cache
                // only.
                opened_store reader = open_on(std::move(found), clock);
                found = reader.disk->disk().crashed(crash_style::drop_all, random);
                wrong = lived.check_read(*reader.store, found);
            }
            if (wrong.empty()) wrong = lived.check(std::move(found));
        } catch (const std::exception& refused) {
            wrong = std::string("opening refused: ") + refused.what();
        }
        if (!wrong.empty())
            figures.broken(seed, "call " + std::to_string(call) + (lasting ? " and all after it" : "") +
                                     " failed with " + name_of(how) + ", then " + then + ": " + wrong);
    };
    check("a new process", disk->disk());
    check("a new process and a crash", disk->disk(), true);
    check("a crash", disk->disk().crashed(crash_style::random, random));
    check("a crash that loses all it can", disk->disk().crashed(crash_style::drop_all, random));
}

// A disk with two checkpoints, and a journal after them.
simulated_disk a_life_on_disk(std::uint64_t seed, const manual_clock& clock, bool closed,
                              std::uint64_t& sequence) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    opened_store opened = open_on({}, clock);
    for (int i = 0; i < 30; ++i) {
        commit_and_wait(*opened.store, add_medal("team " + std::to_string(random() % 3), "gold", 1,
                                                 "key " + std::to_string(i)));
        if (i == 8 || i == 16) opened.store->checkpoint_now();
    }
    sequence = opened.store->sequence();
    simulated_disk killed = opened.disk->disk();
    opened.store->stop();
    return closed ? opened.disk->disk() : killed;
}

} // namespace

void try_failed_calls(std::uint64_t seed, campaign_figures& figures, fault only) {
    manual_clock clock;
    auto whole = std::make_shared<faulty_files>();
    counted_life(seed, whole, clock).run();
    ++figures.workloads;
    for (std::uint64_t call = 0; call < whole->calls() && figures.broken_promises == 0; ++call)
        for (const fault how : every_fault)
            for (const bool lasting : {false, true})
                if (only == fault::none || only == how) try_one_failure(seed, call, how, lasting, figures);
}

void try_damage(std::uint64_t seed, unsigned bytes, campaign_figures& figures) {
    manual_clock clock;
    std::uint64_t sequence = 0;
    const bool closed = seed % 2 == 0;
    const simulated_disk intact = a_life_on_disk(seed, clock, closed, sequence);
    std::mt19937 random(static_cast<std::uint32_t>(seed) + 1);
    for (unsigned i = 0; i < bytes; ++i) {
        simulated_disk hurt = intact;
        std::vector<std::pair<std::string, std::uint64_t>> candidates;
        for (const auto& [path, number] : hurt.paths())
            if (path.find("LOCK") == std::string::npos && !hurt.contents(path)->empty())
                candidates.emplace_back(path, number);
        const auto& [path, number] = candidates[random() % candidates.size()];
        std::string& contents = hurt.cached(number);
        const std::size_t at = random() % contents.size();
        const char before = contents[at];
        contents[at] = static_cast<char>(before ^ (1 + random() % 255));
        ++figures.damaged_bytes;
        // Detected is: refused, or said - or without effect because nothing of ours was there.
        try {
            opened_store opened = open_on(std::move(hurt), clock);
            const bool said = !opened.store->health().warnings.empty();
            if (said || opened.store->sequence() > sequence) continue;
            if (path.ends_with("FORMAT")) continue; // the program's name in it is only to be read
            ++figures.undetected_bytes;
            figures.broken(seed,
                           "byte " + std::to_string(at) + " of " + path + " was changed, and nobody noticed");
        } catch (const store_damaged&) {
        } catch (const store_unavailable&) {
        }
    }
}

} // namespace stadion::test
