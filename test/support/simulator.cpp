#include "test/support/simulator.hpp"

#include "test/support/simulator_world.hpp"

#include <array>
#include <cmath>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

std::uint64_t random_source::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

duration random_source::between(duration low, duration high) {
    return low + duration(static_cast<std::int64_t>(uniform() * static_cast<double>((high - low).count())));
}

double random_source::exponential(double mean) { return -mean * std::log(1 - uniform()); }

// ---- driven by hand

simulator::simulator(const simulation_options& options) : world_(std::make_unique<world>(options)) {}
simulator::~simulator() = default;

bool simulator::run_until(instant time) { return world_->run_until(time); }
instant simulator::now() const { return world_->now(); }
const std::optional<std::string>& simulator::violation() const { return world_->violation(); }
void simulator::crash(unsigned server) { world_->crash(server); }
void simulator::restart(unsigned server) { world_->restart(server); }
void simulator::pause(unsigned server) { world_->pause(server); }
void simulator::resume(unsigned server) { world_->resume(server); }
void simulator::isolate(unsigned server, bool on) { world_->isolate(server, on); }
void simulator::crash_dispatcher() { world_->crash_dispatcher(); }
void simulator::restart_dispatcher() { world_->restart_dispatcher(); }
void simulator::set_load(unsigned server, double spare_capacity) { world_->set_load(server, spare_capacity); }
void simulator::submit(unsigned server, std::string_view client, std::uint64_t first, std::uint64_t count) {
    world_->submit(server, {{0, std::string(client), first, count}});
}
server_id simulator::id_of(unsigned server) const { return world_->at(server).self.id; }
server_id simulator::leader_of(unsigned server) const {
    const auto& p = world_->at(server);
    return p.machines ? p.machines->election.leader() : 0;
}
std::uint64_t simulator::epoch_of(unsigned server) const {
    const auto& p = world_->at(server);
    return p.machines ? p.machines->election.epoch() : 0;
}
std::uint64_t simulator::log_length_of(unsigned server) const {
    const auto& p = world_->at(server);
    return p.machines ? p.machines->order.index() : 0;
}
std::uint64_t simulator::requests_of(unsigned server) const {
    const auto& p = world_->at(server);
    return p.machines ? p.machines->raffle.requests() : 0;
}
std::string simulator::raffle_record_of(unsigned server) const {
    const auto& p = world_->at(server);
    return p.machines ? p.machines->raffle.record() : std::string();
}
void simulator::check_settled() { world_->check_settled(); }
simulation_result simulator::result() const { return world_->result(); }

// ---- by the seed

simulation_result simulate(const simulation_options& options) {
    simulator run(options);
    run.world_->schedule_storm();
    // A challenger that takes over at the very end is no fault; what follows from it gets its time too.
    constexpr duration takeover = 200ms;
    instant end = run.world_->storm_end() + options.calm;
    while (run.run_until(end) && run.world_->last_grant() > end - takeover &&
           end < run.world_->storm_end() + 2 * options.calm)
        end += takeover;
    if (!run.violation()) run.check_settled();
    return run.result();
}

// ---- the names of the bugs

namespace {

struct bug_name {
    planted_bug bug;
    std::string_view name;
};
constexpr std::array bug_names{
    bug_name{planted_bug::election_accepts_stale_pass, "election_accepts_stale_pass"},
    bug_name{planted_bug::election_accepts_stale_coordinator, "election_accepts_stale_coordinator"},
    bug_name{planted_bug::election_prefers_last, "election_prefers_last"},
    bug_name{planted_bug::election_ties_to_higher_id, "election_ties_to_higher_id"},
    bug_name{planted_bug::election_accepts_partial_round, "election_accepts_partial_round"},
    bug_name{planted_bug::election_believes_strangers, "election_believes_strangers"},
    bug_name{planted_bug::election_keeps_no_frozen_score, "election_keeps_no_frozen_score"},
    bug_name{planted_bug::lock_grants_while_healthy, "lock_grants_while_healthy"},
    bug_name{planted_bug::lock_grants_same_epoch, "lock_grants_same_epoch"},
    bug_name{planted_bug::lock_forgets_epoch, "lock_forgets_epoch"},
    bug_name{planted_bug::lock_ignores_tenure, "lock_ignores_tenure"},
    bug_name{planted_bug::ring_forgets_its_pause, "ring_forgets_its_pause"},
    bug_name{planted_bug::membership_keeps_incarnation, "membership_keeps_incarnation"},
    bug_name{planted_bug::order_delivers_agreed, "order_delivers_agreed"},
    bug_name{planted_bug::order_ignores_gap, "order_ignores_gap"},
    bug_name{planted_bug::order_breaks_ties_locally, "order_breaks_ties_locally"},
    bug_name{planted_bug::order_resends_after_new, "order_resends_after_new"},
    bug_name{planted_bug::order_renumbers_resent, "order_renumbers_resent"},
    bug_name{planted_bug::order_confirms_incomplete, "order_confirms_incomplete"},
    bug_name{planted_bug::order_no_origin_check, "order_no_origin_check"},
    bug_name{planted_bug::order_accepts_stale_stop, "order_accepts_stale_stop"},
    bug_name{planted_bug::order_commits_early, "order_commits_early"},
    bug_name{planted_bug::order_newcomer_without_table, "order_newcomer_without_table"},
    bug_name{planted_bug::order_believes_strangers, "order_believes_strangers"},
    bug_name{planted_bug::raffle_no_client_check, "raffle_no_client_check"},
    bug_name{planted_bug::raffle_counts_run_once, "raffle_counts_run_once"},
    bug_name{planted_bug::clock_accepts_stale_epoch, "clock_accepts_stale_epoch"},
    bug_name{planted_bug::clock_believes_strangers, "clock_believes_strangers"},
    bug_name{planted_bug::clock_steps_in_service, "clock_steps_in_service"},
    bug_name{planted_bug::clock_slews_too_fast, "clock_slews_too_fast"},
    bug_name{planted_bug::clock_bound_without_delay, "clock_bound_without_delay"},
    bug_name{planted_bug::clock_bound_without_age, "clock_bound_without_age"},
    bug_name{planted_bug::clock_corrects_twice, "clock_corrects_twice"},
};

} // namespace

std::string_view name_of(planted_bug bug) {
    for (const bug_name& b : bug_names)
        if (b.bug == bug) return b.name;
    return "none";
}

std::optional<planted_bug> planted_bug_from(std::string_view name) {
    for (const bug_name& b : bug_names)
        if (b.name == name) return b.bug;
    return std::nullopt;
}

std::vector<planted_bug> all_planted_bugs() {
    std::vector<planted_bug> all;
    for (const bug_name& b : bug_names) all.push_back(b.bug);
    return all;
}

} // namespace stadion::support
