// What goes wrong in a seeded run, and what must be right again some time after.
#include "test/support/simulator_world.hpp"

#include <algorithm>
#include <array>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

void simulator::world::schedule_storm() {
    storm_end_ = random_.between(600ms, 1200ms);
    if (options_.workload) schedule_workload();
    if (!options_.faults) return;
    loss_ = random_.chance(0.5) ? random_.uniform() * 0.05 : 0;
    repetition_ = random_.chance(0.5) ? random_.uniform() * 0.05 : 0;
    if (loss_ > 0) {
        servers_suffered_ = true;
        trouble_until_ = storm_end_ + 700ms;
    }
    if (random_.chance(0.5)) schedule_strangers();
    const unsigned faults = static_cast<unsigned>(random_.below(6));
    for (unsigned i = 0; i < faults; ++i) schedule_fault(random_.between(50ms, storm_end_));

    at_time(storm_end_, [this] {
        loss_ = repetition_ = 0;
        delay_factor_ = 1;
        for (unsigned i = 0; i < processes_.size(); ++i) {
            isolate(i, false);
            resume(i);
            if (!processes_[i].alive && random_.chance(0.5)) restart(i);
        }
        restart_dispatcher();
        resume_dispatcher();
        trouble_until_ = std::max(trouble_until_, now_ + 700ms);
    });
}

void simulator::world::schedule_fault(instant when) {
    const unsigned server = static_cast<unsigned>(random_.below(processes_.size()));
    const instant later = when + random_.between(1ms, 600ms);
    const bool to_leader = random_.chance(0.5);
    const auto victim = [this, server, to_leader] {
        const unsigned leader = disp_.lock ? place_of(disp_.lock->record().leader) : dispatcher;
        return to_leader && leader != dispatcher ? leader : server;
    };
    // The moments around a fault are when messages are under way.
    for (unsigned i = random_.below(4) == 0 ? 0 : 6; i > 0; --i)
        schedule_submission(random_.between(std::max(when - 2ms, 0ns), when + 60ms));
    switch (random_.below(10)) {
    case 0:
    case 1:
        at_time(when, [=, this] {
            const unsigned chosen = victim();
            crash(chosen);
            at_time(later, [=, this] { restart(chosen); });
        });
        break;
    case 2:
        at_time(when, [=, this] {
            const unsigned chosen = victim();
            pause(chosen);
            at_time(later, [=, this] { resume(chosen); });
        });
        break;
    case 3:
        at_time(when, [=, this] {
            const unsigned chosen = victim();
            isolate(chosen, true, random_.chance(0.5));
            at_time(later, [=, this] { isolate(chosen, false); });
        });
        break;
    case 4:
        at_time(when, [this] { crash_dispatcher(); });
        at_time(later, [this] { restart_dispatcher(); });
        break;
    case 6: // long enough for every link to close, or not
        at_time(when, [this] { pause_dispatcher(); });
        at_time(later, [this] { resume_dispatcher(); });
        break;
    case 7:
        at_time(when, [=, this, length = random_.between(1ms, 140ms)] { stall(victim(), length); });
        break;
    case 8:
        for (instant next = when; next == when || random_.chance(0.6);) { // it stutters
            const duration length = random_.between(1ms, next == when ? 600ms : 150ms);
            at_time(next, [this, length] { stall_all(length); });
            next += length + random_.between(2ms, 6ms);
        }
        break;
    case 5:
        at_time(when, [this] {
            note_suffering();
            delay_factor_ = 10;
        });
        at_time(later, [this] {
            note_trouble();
            delay_factor_ = 1;
        });
        break;
    default:
        at_time(when,
                [=, this, load = 5 + static_cast<double>(random_.below(20))] { set_load(server, load); });
        break;
    }
}

void simulator::world::schedule_workload() {
    const unsigned bursts = 10 + static_cast<unsigned>(random_.below(20));
    for (unsigned i = 0; i < bursts; ++i) schedule_submission(random_.between(20ms, storm_end_ + 100ms));
}

void simulator::world::schedule_submission(instant when) {
    const unsigned server = static_cast<unsigned>(random_.below(processes_.size()));
    const unsigned messages = 1 + static_cast<unsigned>(random_.below(4));
    at_time(when, [=, this] {
        for (unsigned j = 0; j < messages; ++j) submit(server, random_runs(server));
    });
}

// Some clients' next requests, and now and then one that was made before, perhaps at another server.
std::vector<request_run> simulator::world::random_runs(unsigned) {
    const std::string client = "client " + std::to_string(random_.below(4));
    std::uint64_t& next = client_next_[client];
    const std::uint64_t count = 1 + random_.below(5);
    const std::uint64_t back = random_.chance(0.3) ? random_.below(4) : 0;
    const std::uint64_t first = next + 1 - std::min(back, next);
    next = std::max(next, first + count - 1);
    std::vector<request_run> runs{{0, client, first, count}};
    if (random_.chance(0.2)) { // beside somebody who sends ids that cannot be counted
        constexpr std::uint64_t highest = ~std::uint64_t{0};
        const std::array<request_run, 3> bad{
            {{0, "hostile", highest - random_.below(3), 1 + random_.below(3)},
             {0, "hostile", request_max - 1, 3},
             {0, "hostile", random_.next() | std::uint64_t{1} << 63, 0}}};
        runs.insert(runs.begin(), bad[random_.below(bad.size())]);
    }
    return runs;
}

void simulator::world::check_settled() {
    const process* reference = nullptr;
    for (const process& p : processes_) {
        if (!p.alive) continue;
        const std::string who = "server " + std::to_string(p.self.id);
        if (!p.machines) return monitor_.fail("E5: " + who + " was never let in");
        const strands& m = *p.machines;
        if (m.election.leader() == 0) return monitor_.fail("E5: " + who + " knows no leader");
        if (reference == nullptr) reference = &p;
        const strands& r = *reference->machines;
        if (m.election.leader() != r.election.leader() || m.election.epoch() != r.election.epoch())
            return monitor_.fail("E5: " + who + " follows another leader");
        if (!contains(m.election.ring(), m.election.leader())) return monitor_.fail("E5: the leader is gone");
        if (m.order.view() != r.order.view() || m.order.stopped())
            return monitor_.fail("E5: " + who + " is in another view of the order");
        if (!m.order.idle() || m.order.index() != r.order.index())
            return monitor_.fail("T6: " + who + " has messages that were not delivered");
        for (std::uint64_t number = 1; number < m.order.next_number(); ++number)
            if (options_.bug != planted_bug::order_renumbers_resent &&
                !monitor_.was_delivered({p.self.id, p.process_incarnation, number}))
                return monitor_.fail("T6: message " + std::to_string(number) + " of " + who + " is lost");
        const clock_line& line = m.clock.clock().line();
        if (options_.clocks && line.state_at(local(p)) != clock_state::synchronised)
            return monitor_.fail("C2: the clock of " + who + " is " +
                                 std::string(to_string(line.state_at(local(p)))) + ", bound " +
                                 std::to_string(line.error_at(local(p)).count()) + " ns");
    }
}

} // namespace stadion::support
