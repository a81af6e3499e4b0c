#include "simulator_world.hpp"

#include <algorithm>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

// ---- the dispatcher of the simulated world: membership, heartbeats, the election lock

void simulator::world::start_dispatcher() {
    if (options_.bug == planted_bug::lock_forgets_epoch) disp_.lock_disk.epoch = 0;
    disp_.alive = true;
    disp_.members.emplace(disp_.members_disk, options_.bug);
    disp_.lock.emplace(lock_settings_, disp_.lock_disk, now_);
    disp_.heard.clear();
    for (const member& m : disp_.members->ring()) disp_.heard[m.id] = now_;
    persist(disp_.lock->set_members(now_, disp_.members->ring()));
    const std::uint64_t life = disp_.life;
    at_time(now_ + 50ms, [this, life] {
        if (disp_.life == life) check_heartbeats();
    });
}

void simulator::world::crash_dispatcher() {
    if (!disp_.alive) return;
    trace(strand::membership, "the dispatcher crashes");
    note_trouble();
    disp_.alive = false;
    ++disp_.life;
}

void simulator::world::restart_dispatcher() {
    if (disp_.alive) return;
    trace(strand::membership, "the dispatcher restarts");
    note_trouble();
    start_dispatcher();
}

void simulator::world::persist(const std::optional<lock_record>& record) {
    if (!record) return;
    disp_.lock_disk = to_remember(disp_.lock_disk, *record);
}

fleet_view simulator::world::fleet() const {
    return {disp_.members->number(), disp_.lock->record().epoch, disp_.lock->record().leader,
            disp_.members->ring()};
}

void simulator::world::members_changed() {
    disp_.members_disk = disp_.members->record();
    persist(disp_.lock->set_members(now_, disp_.members->ring()));
    for (const member& m : disp_.members->ring())
        if (const unsigned place = place_of(m.id); place != dispatcher) send(dispatcher, place, fleet());
}

void simulator::world::check_heartbeats() {
    bool changed = false;
    for (const auto& [id, when] : std::map(disp_.heard)) {
        if (now_ - when < 350ms) continue;
        disp_.heard.erase(id);
        disp_.lock->lost(now_, id);
        changed |= disp_.members->drop(id);
        trace(strand::membership, "the dispatcher drops server " + std::to_string(id));
    }
    if (changed) members_changed();
    const std::uint64_t life = disp_.life;
    at_time(now_ + 50ms, [this, life] {
        if (disp_.life == life) check_heartbeats();
    });
}

void simulator::world::dispatcher_takes(unsigned from, const any_message& message) {
    process& sender = processes_[from];
    if (const auto* join = std::get_if<join_request>(&message)) {
        const std::uint64_t before = disp_.members->number();
        const member admitted = disp_.members->join(join->previous);
        disp_.heard[admitted.id] = now_;
        if (disp_.members->number() != before) members_changed();
        send(dispatcher, from, join_answer{admitted, fleet()});
    } else if (std::holds_alternative<heartbeat>(message)) {
        if (contains(disp_.members->ring(), sender.self.id)) disp_.heard[sender.self.id] = now_;
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
        trace(strand::membership, "the dispatcher drops server " + std::to_string(decision.silenced));
        if (disp_.members->drop(decision.silenced)) members_changed();
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
    send(dispatcher, from, decision.answer);
}

} // namespace stadion::support
