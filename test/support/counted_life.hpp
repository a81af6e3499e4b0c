// A workload whose effect can be counted: medals added one by one, each with a key or with a number in a
// session. Numbers are confirmed as a front-end does it: in order, and only after they were answered.
//
// With `maintained` the store's maintenance thread makes checkpoints and segments meanwhile, as fast as it
// can.
#pragma once

#include "test/support/campaign_store.hpp"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace stadion::test {

class counted_life {
public:
    static constexpr unsigned actions = 8;

    counted_life(std::uint64_t seed, std::shared_ptr<faulty_files> disk, manual_clock& clock,
                 bool maintained = false);

    // A lasting fault ends before this action.
    void lift_fault_at(std::size_t action) { lift_at_ = action; }

    // False when the store could not even be opened.
    bool run();

    // Opens the disk as it was after that many changes of the trace, now without faults, and sends everything
    // again. Every medal sent by then must count once, and commit times must not go back although the clock
    // does. Returns what is wrong, or nothing.
    std::string check(simulated_disk found, std::size_t after_changes = SIZE_MAX);

    // Checks that what `reader` shows is still there after the crash. Returns what is wrong, or nothing.
    std::string check_read(const dbserver::store& reader, const simulated_disk& after);

private:
    struct sent {
        v1::Mutation mutation;
        dbserver::outcome before;
        std::size_t begun_at = 0; // in changes of the trace
        std::size_t done_at = 0;
        std::uint64_t confirmed_below = 0; // sent with it
    };

    void send(unsigned count);
    dbserver::outcome ask_again(const sent& one, dbserver::store& in) const;
    std::uint64_t lowest_open();
    std::uint64_t confirmed_at(std::size_t after_changes) const;
    std::string check_one(const sent& one, dbserver::store& in, std::size_t after_changes) const;

    std::mt19937 random_;
    std::shared_ptr<faulty_files> disk_;
    manual_clock& clock_;
    const bool maintained_;
    std::size_t lift_at_ = SIZE_MAX;
    std::unique_ptr<dbserver::json_store> store_;
    std::vector<sent> sent_;
    dbserver::session_id session_;
    std::uint64_t numbers_ = 0;
    std::uint64_t confirmed_below_ = 1;
};

} // namespace stadion::test
