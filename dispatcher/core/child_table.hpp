// Which children should run, which do, and when those that died are started again.
//
// The owner of the processes tells what happened (launched, bound, died) and starts what is due. A child is
// named by its slot, which outlives its processes: restart policy and address belong to the slot.
//
// A child is started again at the address it had bound, so that clients who know it as their backup find it
// there. In a crash loop that address may be the cause, since another program may hold the port. From then on
// the address that was wanted at first is used, which may have port 0.
//
// Threading: none. Invariant: a slot has at most one process. After `stop` nothing starts, nor does a child
// that was retired.
#pragma once

#include "balancer/restart_policy.hpp"
#include "dispatcher/core/persistent_state.hpp"

#include <map>
#include <optional>
#include <vector>

namespace stadion::dispatcher {

enum class slot_id : std::uint32_t {};

class child_table {
public:
    explicit child_table(balancer::restart_settings settings) : settings_(settings) {}

    // A child that should run and does not; due at once.
    slot_id want(std::string kind, std::string address);

    // A child that runs already, started by the dispatcher before this one.
    slot_id adopt(const child_record& running, balancer::time_point now);

    // The children that are due. Each is to be answered by `launched` or `launch_failed`.
    struct launch {
        slot_id slot;
        std::string kind;
        std::string address;
    };
    std::vector<launch> take_due(balancer::time_point now);
    std::optional<balancer::time_point> next_due() const;

    // The process runs; it was told to report to the address `dispatcher`.
    void launched(slot_id slot, std::uint32_t pid, std::uint64_t born, const std::string& dispatcher,
                  balancer::time_point now);
    void launch_failed(slot_id slot, balancer::time_point now, std::string why = {});

    // The child reported the address that it serves on.
    void bound(std::uint32_t pid, std::string address);

    // The child reported why it cannot serve; it is about to end.
    void last_words(std::uint32_t pid, std::string words);

    // What follows from a death. Nothing if the process is no child. `how` is text for operators.
    struct death_report {
        slot_id slot;
        child_record last;
        bool expected = false; // it was retired, or all were told to stop
        balancer::restart_policy::decision restart;
    };
    std::optional<death_report> died(std::uint32_t pid, balancer::time_point now, std::string how = {});

    // The child is not started again. False: no child has this process id.
    bool retire(std::uint32_t pid);

    // No child is started again. The caller asks those in `running` to stop; all have gone when `all` is
    // empty.
    void stop();

    // The children that run, in order of their slots.
    std::vector<child_record> running() const;

    // The state of each child for operators, in order of their slots.
    struct report {
        child_record child;                // pid 0: it does not run
        std::chrono::milliseconds time{0}; // it has run for, or starts in
        unsigned restarts = 0;             // since it was first wanted
        unsigned early_deaths = 0;         // in a row, until it has run for a while
        bool is_in_crash_loop = false;     // likewise
        std::string last_end, last_words;  // of the process before
    };
    std::vector<report> reports(balancer::time_point now) const;

    // All slots with the address each has or will have.
    std::vector<child_record> all() const;

private:
    enum class state { due, launching, running };
    struct slot {
        std::string wanted_address;
        child_record child; // pid 0: no process
        balancer::restart_policy policy;
        state now = state::due;
        balancer::time_point since{}; // due: when; running: started when
        unsigned restarts = 0;
        balancer::restart_policy::decision last; // what its last death led to
        std::string words;                       // of the process that runs
        std::string last_end, last_words;
        bool retired = false;
    };
    using slots = std::map<slot_id, slot>;

    slot_id add(slot fresh);
    slots::iterator find(std::uint32_t pid);
    balancer::restart_policy::decision schedule(slot& one, balancer::time_point started,
                                                balancer::time_point now);

    balancer::restart_settings settings_;
    slots slots_;
    std::uint32_t next_slot_ = 1;
    bool stopping_ = false;
};

} // namespace stadion::dispatcher
