#include "test/support/simulator_world.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

simulator::world::world(const simulation_options& options) : options_(options), random_(options.seed) {
    const unsigned count =
        options.servers != 0 ? options.servers : 2 + static_cast<unsigned>(random_.below(4));
    processes_.resize(count);

    election_settings_.evaluate_every = 100ms;
    election_settings_.bug = options.bug;
    lock_settings_.minimum_tenure = 400ms;
    lock_settings_.penalty = 300ms;
    lock_settings_.bug = options.bug;
    order_settings_.flush_interval = options.even_delays ? 0us : random_.between(0us, 200us);
    order_settings_.batch_bytes_max = 64;
    order_settings_.part_bytes = 256;
    order_settings_.parts_under_way = 2;
    order_settings_.bug = options.bug;
    berkeley_settings_.burst = 4;
    berkeley_settings_.period_max = 400ms;
    berkeley_settings_.rounds_first = 4;
    berkeley_settings_.bug = options.bug;
    clock_settings_.bug = options.bug;
    raffle_settings_.every = 10;
    raffle_settings_.bug = options.bug;

    start_dispatcher();
    for (unsigned i = 0; i < count; ++i) {
        processes_[i].drift = (random_.uniform() * 2 - 1) * 100e-6;
        processes_[i].local_offset = random_.between(0s, 1000s);
        processes_[i].load = 10 + static_cast<double>(random_.below(3)); // ties happen
        const instant when = options.even_delays ? instant(i * 1ms) : random_.between(0ms, 20ms);
        at_time(when, [this, i] { start(i, {}); });
    }
    trouble_until_ = 100ms;
}

// ---- time and network

void simulator::world::at_time(instant time, std::function<void()> run) {
    events_.push({std::max(time, now_), ++sequence_, std::move(run)});
}

bool simulator::world::run_until(instant time) {
    while (!events_.empty() && events_.top().time <= time && !violation()) {
        // The queue hands out const references only; the event is popped right after.
        auto run = std::move(const_cast<event&>(events_.top()).run);
        now_ = events_.top().time;
        events_.pop();
        run();
        if (++steps_ == steps_max) monitor_.fail("the fleet does not come to rest");
    }
    if (!violation()) now_ = time;
    return !violation();
}

duration simulator::world::delay() {
    if (options_.even_delays) return 100us;
    double us = 50 + random_.exponential(50);
    if (random_.chance(0.01)) us += 5000 * random_.uniform();
    return duration(static_cast<std::int64_t>(us * delay_factor_ * 1000));
}

bool simulator::world::linked(unsigned from, unsigned to) const {
    if (to == stranger) return false;
    if (from == dispatcher) return !processes_[to].cut_off;
    if (to == dispatcher) return !processes_[from].cut_off;
    return !processes_[from].isolated && !processes_[to].isolated;
}

// FIFO as TCP has it; a loss stands for what a broken connection took with it.
void simulator::world::send(unsigned from, unsigned to, any_message message) {
    if (options_.trace)
        trace(topic_of(message), name_of_place(from) + " -> " + name_of_place(to) + "  " + describe(message));
    if (!linked(from, to) || random_.chance(loss_)) return;
    const std::uint64_t life = to == dispatcher ? disp_.life : processes_[to].life;
    const std::uint64_t sent_by = from == dispatcher ? 0 : processes_[from].life;
    const unsigned copies = from != dispatcher && to != dispatcher && random_.chance(repetition_) ? 2 : 1;
    for (unsigned copy = 0; copy < copies; ++copy) {
        instant& last = last_arrival_[{from, to}];
        last = std::max(last + 1ns, now_ + delay());
        at_time(last, [this, from, to, life, sent_by, message] { arrive(from, to, life, sent_by, message); });
    }
}

void simulator::world::arrive(unsigned from, unsigned to, std::uint64_t life, std::uint64_t sent_by,
                              const any_message& message) {
    if (to == dispatcher) {
        return on_dispatcher(life, [this, from, sent_by, message] {
            if (processes_[from].life == sent_by)
                dispatcher_takes(from, message); // its answer has a way back
        });
    }
    on_process(to, life, [this, to, from, message] { server_takes(to, from, message); });
}

// What happens to a paused process happens when it wakes up, to a dead one never.
void simulator::world::on_process(unsigned server, std::uint64_t life, std::function<void()> run) {
    process& p = processes_[server];
    if (!p.alive || p.life != life) return;
    if (p.paused) {
        p.frozen.push_back([this, server, life, run = std::move(run)] { on_process(server, life, run); });
        return;
    }
    run();
    step(server);
}

unsigned simulator::world::place_of(server_id id) const {
    for (unsigned i = 0; i < processes_.size(); ++i)
        if (processes_[i].self.id == id) return i;
    return dispatcher;
}

std::string simulator::world::name_of_place(unsigned place) const {
    if (place == stranger) return "stranger";
    return place == dispatcher ? "dispatcher" : "server " + std::to_string(processes_[place].self.id);
}

void simulator::world::trace(trace_topic which, const std::string& text) {
    if (!options_.trace) return;
    char time[32];
    std::snprintf(time, sizeof time, "%9.3f ms  ", static_cast<double>(now_.count()) / 1e6);
    options_.trace(which, time + text);
}

// ---- a server's life

instant simulator::world::local(const process& p) const {
    const auto since = static_cast<double>((now_ - p.started).count());
    return p.local_offset + (now_ - p.started) + duration(std::llround(since * p.drift));
}

instant simulator::world::true_time_of(const process& p, instant local_time) const {
    const auto since = static_cast<double>((local_time - p.local_offset).count());
    return p.started + duration(static_cast<std::int64_t>(std::ceil(since / (1 + p.drift)))) + 1ns;
}

void simulator::world::start(unsigned server, ring_member previous) {
    process& p = processes_[server];
    p.alive = true;
    p.paused = false;
    ++p.life;
    p.started = now_;
    ++p.connection;
    p.self = previous;
    p.serving = false;
    p.watch = {};
    p.log = {};
    beat(server, p.life);
}

// Every 100 ms: asks to join, or sends a heartbeat.
void simulator::world::beat(unsigned server, std::uint64_t life) {
    process& p = processes_[server];
    if (p.machines) {
        send(server, dispatcher, heartbeat{});
        sample_load(p);
        cluster_clock& clock = p.machines->clock.clock();
        if (clock.line().synchronised && !clock.serving()) clock.begin_service();
    } else {
        send(server, dispatcher, join_request{p.self});
    }
    at_time(now_ + 100ms,
            [this, server, life] { on_process(server, life, [=, this] { beat(server, life); }); });
}

void simulator::world::admit(unsigned server, const join_answer& answer) {
    process& p = processes_[server];
    if (p.machines) {
        if (answer.self.id != p.self.id) return; // a repeated first join: that one will be dropped
        if (answer.self.incarnation > p.self.incarnation) p.machines->clock.clock().exclude();
        p.self = answer.self;
        return take_view(server, answer.view);
    }
    p.self = answer.self;
    p.process_incarnation = answer.self.incarnation;
    const instant here = local(p);
    const std::int64_t system_time =
        1'700'000'000'000'000'000 + now_.count() + random_.between(-2ms, 2ms).count();
    p.machines = std::make_unique<strands>(strands{
        election(election_settings_, p.self.id, answer.view.epoch, key, here),
        ordered_multicast(order_settings_, p.self),
        raffle(raffle_settings_),
        berkeley(berkeley_settings_, p.self, cluster_clock(clock_settings_, here, system_time), key),
    });
    p.scores.clear();
    sample_load(p);
    take_view(server, answer.view);
}

void simulator::world::take_view(unsigned server, const fleet_view& view) {
    process& p = processes_[server];
    strands& m = *p.machines;
    if (view.pending) return election_event(server, [&](instant t) { return m.election.on_view(t, view); });
    const ring_member* const me = find_member(view.ring, p.self.id);
    if (me == nullptr || me->incarnation < p.self.incarnation) {
        // Dropped: what it knows of the fleet is void until it is readmitted.
        m.clock.clock().exclude();
        election_event(server, [&](instant t) { return m.election.on_view(t, view); });
        if (now_ - p.join_sent > 50ms) {
            p.join_sent = now_;
            send(server, dispatcher, join_request{p.self});
        }
        return;
    }
    if (me->incarnation > p.self.incarnation) m.clock.clock().exclude();
    p.self = *me;
    election_event(server, [&](instant t) { return m.election.on_view(t, view); });
    order_event(server, [&](instant t, order_output& out) { m.order.on_view(t, view, out); });
    if (options_.clocks) perform(server, m.clock.on_view(local(p), view));
}

void simulator::world::crash(unsigned server) {
    process& p = processes_[server];
    if (!p.alive) return;
    trace(trace_topic::membership, name_of_place(server) + " crashes");
    note_suffering();
    p.alive = false;
    monitor_.crashed(p.self.id);
    p.machines.reset();
    p.frozen.clear();
    p.timer_at = never;
    ++p.timer_token;
    ++p.life;
    // The kernel closes its connections.
    const server_id id = p.self.id;
    for (unsigned other = 0; other < processes_.size(); ++other) {
        if (other == server || !linked(server, other)) continue;
        at_time(now_ + delay(), [this, other, id, life = processes_[other].life] {
            on_process(other, life, [=, this] {
                if (strands* m = processes_[other].machines.get())
                    election_event(other, [&](instant t) { return m->election.on_peer_down(t, id); });
            });
        });
    }
    at_time(now_ + delay(), [this, id, life = disp_.life, connection = p.connection] {
        on_dispatcher(life, [=, this] { dispatcher_loses(id, connection); });
    });
}

void simulator::world::restart(unsigned server) {
    process& p = processes_[server];
    if (p.alive) return;
    note_trouble();
    const bool same_id = !options_.even_delays && random_.chance(0.5);
    start(server, same_id ? ring_member{p.self.id, 0} : ring_member{});
}

void simulator::world::pause(unsigned server) {
    if (!processes_[server].alive) return;
    trace(trace_topic::membership, name_of_place(server) + " is paused");
    note_suffering();
    processes_[server].paused = true;
}

void simulator::world::resume(unsigned server) {
    process& p = processes_[server];
    if (!p.paused) return;
    trace(trace_topic::membership, name_of_place(server) + " goes on");
    note_trouble();
    p.paused = false;
    for (auto& run : std::exchange(p.frozen, {})) at_time(now_, std::move(run));
}

void simulator::world::isolate(unsigned server, bool on, bool from_dispatcher_too) {
    process& p = processes_[server];
    if (p.isolated == on) return;
    trace(trace_topic::membership,
          name_of_place(server) + (on ? " is cut off from its peers" : " sees its peers again"));
    note_suffering();
    p.isolated = on;
    p.cut_off = on && from_dispatcher_too;
}

void simulator::world::stall(unsigned server, duration length) {
    process& p = processes_[server];
    if (!p.alive || p.paused) return;
    trace(trace_topic::membership, name_of_place(server) + " is busy");
    p.paused = true;
    at_time(now_ + length, [this, server, life = p.life] {
        process& woken = processes_[server];
        if (woken.life != life || !std::exchange(woken.paused, false)) return;
        trace(trace_topic::membership, name_of_place(server) + " is busy no more");
        if (woken.machines) // its timer may be looked at before what waits unread
            at_time(now_, [this, server, life] { on_process(server, life, [=, this] { tick(server); }); });
        for (auto& run : std::exchange(woken.frozen, {})) at_time(now_, std::move(run));
    });
}

void simulator::world::stall_all(duration length) {
    for (unsigned i = 0; i < processes_.size(); ++i) stall(i, length + random_.between(0ms, 2ms));
    pause_dispatcher();
    at_time(now_ + length + random_.between(0ms, 2ms), [this] { resume_dispatcher(); });
}

// A challenger acts on what it was told, which is as old as a beat and its way.
void simulator::world::sample_load(process& p) {
    constexpr duration told_for = 300ms;
    p.machines->election.add_score_sample(p.load);
    p.scores.emplace_back(now_, p.machines->election.score());
    while (p.scores.size() > 1 && p.scores[1].first < now_ - told_for) p.scores.pop_front();
}

void simulator::world::set_load(unsigned server, double spare_capacity) {
    processes_[server].load = spare_capacity;
}

} // namespace stadion::support
