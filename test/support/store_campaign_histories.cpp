// Concurrent histories, checked to be linearizable.
//
// A history is linearizable when each operation can be assigned an instant between its call and its return,
// so that a single thread that performs them in this order gets the same answers. The search tries every
// operation that may come next and remembers the configurations it has visited. Wing and Gong, "Testing and
// verifying concurrent objects", 1993; Lowe, "Testing for linearizability", 2017.
#include "test/support/campaign_store.hpp"
#include "test/support/linearizability.hpp"
#include "test/support/store_campaign.hpp"

#include <atomic>
#include <thread>

namespace stadion::test {

using namespace dbserver;

void try_concurrency(std::uint64_t seed, unsigned operations, campaign_figures& figures) {
    constexpr unsigned threads_count = 4;
    manual_clock clock;
    opened_store opened = open_on({}, clock);
    std::atomic<std::uint64_t> time{0};
    std::vector<std::vector<table_call>> recorded(threads_count);
    std::vector<std::string> refused(threads_count); // refusals that the workload does not explain

    const auto live = [&](unsigned which) {
        std::mt19937 random(static_cast<std::uint32_t>(seed * threads_count + which));
        for (unsigned i = 0; i < operations / threads_count; ++i) {
            table_call call;
            call.what = static_cast<table_call::kind>(random() % 3);
            call.begun = time++;
            if (call.what == table_call::kind::read) {
                const auto seen = opened.store->load("teams/gauls", audience::scorer);
                call.version = seen ? seen->version() : 0;
                call.gold = seen ? seen->tally()->gold() : 0;
            } else {
                v1::Mutation mutation = add_medal("gauls", "gold");
                if (call.what == table_call::kind::add_if) {
                    const auto seen = opened.store->load("teams/gauls", audience::scorer);
                    call.expected = (seen ? seen->version() : 0) + (random() % 4 == 0 ? 1 : 0);
                    call.begun = time++;
                    mutation.set_expect_version(call.expected);
                }
                const outcome done = commit_and_wait(*opened.store, std::move(mutation));
                call.applied = done.result == v1::Outcome::APPLIED;
                const bool may_conflict = call.what == table_call::kind::add_if;
                if (!call.applied && !(may_conflict && done.result == v1::Outcome::CONFLICT))
                    refused[which] = v1::Outcome::Result_Name(done.result) + ": " +
                                     (done.failure ? done.failure->message : "no reason given");
                call.version = done.state ? done.state->version() : 0;
                call.gold = done.state ? done.state->tally()->gold() : 0;
            }
            call.ended = time++;
            recorded[which].push_back(call);
        }
    };
    std::vector<std::thread> threads;
    for (unsigned which = 0; which < threads_count; ++which) threads.emplace_back(live, which);
    for (auto& one : threads) one.join();

    std::vector<table_call> history;
    for (const auto& some : recorded) history.insert(history.end(), some.begin(), some.end());
    ++figures.histories;
    for (const auto& why : refused)
        if (!why.empty()) return figures.broken(seed, "with a sound disk an update was answered " + why);
    if (!is_linearizable(history))
        figures.broken(seed, "a history of " + std::to_string(history.size()) + " operations has no order");
}

} // namespace stadion::test
