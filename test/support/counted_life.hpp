// A short life of a store in which what happened how often can be counted: medals one by one, each with a key
// or with a number in a session. Numbers are confirmed as a front-end does it: in order, and none that was
// not answered.
//
// With `maintained` the store's own thread makes checkpoints and segments beside it, as fast as it can.
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

    // Before this action a lasting fault ends.
    void lift_fault_at(std::size_t action) { lift_at_ = action; }

    // False when the store could not even be opened.
    bool run();

    // With the disk whole again, as it was found after so many changes of the trace: every medal sent by then
    // is there once, whether it is answered for the first time or again, and time does not go back, although
    // the clock did. What is wrong, or nothing.
    std::string check(simulated_disk found, std::size_t after_changes = SIZE_MAX);

    // What was read is still there.
    std::string check_read(const dbserver::store& reader, const simulated_disk& after);

private:
    struct sent {
        v1::Mutation mutation;
        dbserver::outcome before;
        std::size_t begun_at = 0; // in changes of the trace
        std::size_t done_at = 0;
        std::uint64_t confirmed_below = 0; // said with it
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
