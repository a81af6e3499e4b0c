#include "test/support/simulator_world.hpp"

#include <algorithm>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;
using balancer::server_state;

// ---- the dispatcher of the simulated world: membership, heartbeats, the election lock

namespace {

constexpr auto check_every = 50ms;
constexpr auto silent_after = 350ms;

balancer::server_id registry_id(server_id id) { return balancer::server_id{id}; }

stadion::dispatcher::fleet_ring_settings ring_settings(planted_bug bug) { return {silent_after, 200ms, bug}; }

} // namespace

void simulator::world::start_dispatcher() {
    if (options_.bug == planted_bug::lock_forgets_epoch) disp_.lock_disk.epoch = 0;
    disp_.alive = true;
    disp_.paused = false;
    disp_.ring.emplace(disp_.members_disk, now_, ring_settings(options_.bug));
    disp_.lock.emplace(lock_settings_, disp_.lock_disk, now_);
    disp_.registered.clear();
    disp_.heard.clear();
    disp_.checked = now_;
    persist(disp_.lock->set_members(now_, disp_.ring->record().ring));
    const std::uint64_t life = disp_.life;
    at_time(now_ + check_every, [this, life] { on_dispatcher(life, [this] { check_heartbeats(); }); });
}

void simulator::world::crash_dispatcher() {
    if (!disp_.alive) return;
    trace(trace_topic::membership, "the dispatcher crashes");
    note_trouble();
    disp_.alive = false;
    disp_.frozen.clear();
    ++disp_.life;
}

void simulator::world::restart_dispatcher() {
    if (disp_.alive) return;
    trace(trace_topic::membership, "the dispatcher restarts");
    note_trouble();
    start_dispatcher();
    for (unsigned i = 0; i < processes_.size(); ++i) reconnect(i);
}

void simulator::world::pause_dispatcher() {
    if (!disp_.alive || disp_.paused) return;
    trace(trace_topic::membership, "the dispatcher is paused");
    disp_.paused = true;
    disp_.paused_at = now_;
}

// Links that were silent for too long were closed. It finds them closed, and their servers asking to join,
// in any order.
void simulator::world::resume_dispatcher() {
    if (!disp_.paused) return;
    trace(trace_topic::membership, "the dispatcher goes on");
    if (trouble_until_ > disp_.paused_at) note_trouble();
    disp_.paused = false;
    for (auto& run : std::exchange(disp_.frozen, {})) at_time(now_, std::move(run));
    if (now_ - disp_.paused_at < links_hold) return;
    for (unsigned i = 0; i < processes_.size(); ++i) {
        const process& p = processes_[i];
        if (!p.alive) continue;
        at_time(now_ + random_.between(0ms, 3ms),
                [this, life = disp_.life, id = p.self.id, connection = p.connection] {
                    on_dispatcher(life, [=, this] { dispatcher_loses(id, connection); });
                });
        reconnect(i);
    }
}

void simulator::world::reconnect(unsigned server) {
    process& p = processes_[server];
    if (!p.alive || !p.machines) return; // a server that is not in yet asks again anyway
    ++p.connection;
    at_time(now_ + random_.between(0ms, 30ms), [this, server, life = p.life] {
        on_process(server, life,
                   [=, this] { send(server, dispatcher, join_request{processes_[server].self}); });
    });
}

// What happens to a paused dispatcher happens when it wakes up.
void simulator::world::on_dispatcher(std::uint64_t life, std::function<void()> run) {
    if (!disp_.alive || disp_.life != life) return;
    if (disp_.paused) {
        disp_.frozen.push_back([this, life, run = std::move(run)] { on_dispatcher(life, run); });
        return;
    }
    if (disp_.ring->check_pause(now_)) disp_.lock->note_pause(now_);
    run();
    settle_dispatcher();
}

void simulator::world::persist(const std::optional<lock_record>& record) {
    if (!record) return;
    disp_.lock_disk = to_persist(disp_.lock_disk, *record);
}

fleet_view simulator::world::fleet() const {
    const auto& ring = disp_.ring->record();
    return {ring.number, disp_.lock->record().epoch, disp_.lock->record().leader, ring.ring,
            disp_.ring->is_pending()};
}

// As dispatcher/service/fleet_service has it: what changed is on the disk before it is shown.
void simulator::world::settle_dispatcher() {
    if (disp_.ring->follow(disp_.registered, now_)) {
        disp_.members_disk = disp_.ring->record();
        persist(disp_.lock->set_members(now_, disp_.ring->record().ring));
    }
    const fleet_view now_shown = fleet();
    if (std::exchange(disp_.shown, now_shown) == now_shown) return;
    for (unsigned i = 0; i < processes_.size(); ++i)
        if (processes_[i].machines) send(dispatcher, i, now_shown);
}

void simulator::world::dispatcher_loses(server_id id, std::uint64_t connection) {
    const auto found = disp_.registered.find(registry_id(id));
    if (found == disp_.registered.end() || found->second.connection != balancer::connection_id{connection})
        return;
    disp_.registered.erase(found);
    disp_.heard.erase(id);
}

void simulator::world::check_heartbeats() {
    const duration late = now_ - disp_.checked - check_every; // heartbeats were not read meanwhile
    disp_.checked = now_;
    for (auto& [id, when] : disp_.heard) {
        when += std::max(late, duration{0});
        if (now_ - when < silent_after) continue;
        disp_.registered.erase(registry_id(id));
        trace(trace_topic::membership, "the dispatcher drops server " + std::to_string(id));
    }
    std::erase_if(disp_.heard, [this](const auto& one) { return now_ - one.second >= silent_after; });
    at_time(now_ + check_every,
            [this, life = disp_.life] { on_dispatcher(life, [this] { check_heartbeats(); }); });
}

void simulator::world::dispatcher_admits(unsigned from, const join_request& join) {
    const server_id id = join.previous.id != 0 ? join.previous.id : disp_.next_id;
    disp_.next_id = std::max(disp_.next_id, id + 1);
    balancer::member& entry = disp_.registered[registry_id(id)];
    entry.id = registry_id(id);
    entry.state = server_state::up;
    entry.connection = balancer::connection_id{processes_[from].connection};
    disp_.heard[id] = now_;
    disp_.ring->joined({id, join.previous.id != 0 ? join.previous.incarnation : 0});
    settle_dispatcher();
    send(dispatcher, from, join_answer{{id, disp_.ring->incarnation_of(id)}, fleet()});
}

void simulator::world::dispatcher_takes(unsigned from, const any_message& message) {
    process& sender = processes_[from];
    if (const auto* join = std::get_if<join_request>(&message)) {
        dispatcher_admits(from, *join);
    } else if (std::holds_alternative<heartbeat>(message)) {
        if (!disp_.registered.contains(registry_id(sender.self.id)))
            return send(dispatcher, from, not_joined{});
        disp_.heard[sender.self.id] = now_;
        send(dispatcher, from, fleet());
    } else if (const auto* ask = std::get_if<lock_request>(&message)) {
        dispatcher_grants(from, ask->reason);
    } else if (const auto* release = std::get_if<lock_release>(&message)) {
        const auto changed = disp_.lock->release(now_, sender.self.id, release->epoch, release->leader);
        persist(changed);
        if (changed) leader_since_ = now_;
    }
}

void simulator::world::dispatcher_grants(unsigned from, election_reason reason) {
    const lock_record before = disp_.lock->record();
    const server_id who = processes_[from].self.id;
    const lock_decision decision = disp_.lock->ask(now_, who, reason);
    persist(decision.persist);
    if (decision.silenced != 0) {
        disp_.heard.erase(decision.silenced);
        disp_.registered.erase(registry_id(decision.silenced));
        disp_.ring->given_up(decision.silenced);
        trace(trace_topic::membership, "the dispatcher drops server " + std::to_string(decision.silenced));
    }
    if (decision.answer.granted) {
        granted_at_[decision.answer.epoch] = now_;
        const unsigned old = place_of(before.leader);
        const bool gone = old == dispatcher || !processes_[old].alive;
        const bool trouble = gone || now_ < trouble_until_;
        double best = 0, worst = 0; // nobody led, or it has not told yet
        for (const auto& [when, score] : processes_[from].scores) best = std::max(best, score);
        if (!gone && !processes_[old].scores.empty())
            worst = std::ranges::min(processes_[old].scores, {}, &std::pair<instant, double>::second).second;
        const bool better = gone || best >= worst * 1.2 * 0.95;
        monitor_.granted(before, decision.answer.epoch, who, reason, trouble,
                         now_ - leader_since_ >= lock_settings_.minimum_tenure, better);
    }
    settle_dispatcher(); // the view first
    send(dispatcher, from, decision.answer);
}

} // namespace stadion::support
