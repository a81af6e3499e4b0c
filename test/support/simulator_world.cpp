#include "simulator_world.hpp"

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
        ++steps_;
        run();
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
    if (from == dispatcher) return !processes_[to].cut_off;
    if (to == dispatcher) return !processes_[from].cut_off;
    return !processes_[from].isolated && !processes_[to].isolated;
}

// FIFO as TCP has it; a loss stands for what a broken connection took with it.
void simulator::world::send(unsigned from, unsigned to, any_message message) {
    if (options_.trace)
        trace(strand_of(message),
              name_of_place(from) + " -> " + name_of_place(to) + "  " + describe(message));
    if (!linked(from, to) || random_.chance(loss_)) return;
    const std::uint64_t life = to == dispatcher ? disp_.life : processes_[to].life;
    const unsigned copies = from != dispatcher && to != dispatcher && random_.chance(repetition_) ? 2 : 1;
    for (unsigned copy = 0; copy < copies; ++copy) {
        instant& last = last_arrival_[{from, to}];
        last = std::max(last + 1ns, now_ + delay());
        at_time(last, [this, from, to, life, message] { arrive(from, to, life, message); });
    }
}

void simulator::world::arrive(unsigned from, unsigned to, std::uint64_t life, const any_message& message) {
    if (to == dispatcher) {
        if (disp_.alive && disp_.life == life) dispatcher_takes(from, message);
        return;
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
    return place == dispatcher ? "dispatcher" : "server " + std::to_string(processes_[place].self.id);
}

void simulator::world::trace(strand which, const std::string& text) {
    if (!options_.trace) return;
    char time[32];
    std::snprintf(time, sizeof time, "%9.3f ms  ", static_cast<double>(now_.count()) / 1e6);
    options_.trace(which, time + text);
}

// ---- the dispatcher

void simulator::world::start_dispatcher() {
    if (options_.bug == planted_bug::lock_forgets_epoch) disp_.lock_disk.epoch = 0;
    disp_.alive = true;
    disp_.members.emplace(disp_.members_disk, options_.bug);
    disp_.lock.emplace(lock_settings_, disp_.lock_disk, now_);
    monitor_.persisted_epoch(disp_.lock_disk.epoch);
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
    disp_.lock_disk = *record;
    monitor_.persisted_epoch(record->epoch);
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
        const auto score_of = [this](unsigned place) {
            const auto& machines = processes_[place].machines;
            return machines ? machines->election.score() : 0;
        };
        const bool better = gone || score_of(from) >= score_of(old) * 1.2 * 0.95;
        monitor_.granted(before, decision.answer.epoch, who, reason, trouble,
                         now_ - leader_since_ >= lock_settings_.minimum_tenure, better);
    }
    send(dispatcher, from, decision.answer);
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

void simulator::world::start(unsigned server, member previous) {
    process& p = processes_[server];
    p.alive = true;
    p.paused = false;
    ++p.life;
    p.started = now_;
    p.self = previous;
    p.serving = false;
    p.watch = {};
    p.log = {};
    beat(server, p.life);
}

// Every 100 ms: asks to be let in, or says that it is alive.
void simulator::world::beat(unsigned server, std::uint64_t life) {
    process& p = processes_[server];
    if (p.machines) {
        send(server, dispatcher, heartbeat{});
        p.machines->election.add_score_sample(p.load);
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
        p.self = answer.self;
        return take_view(server, answer.view);
    }
    p.self = answer.self;
    p.process_incarnation = answer.self.incarnation;
    const instant here = local(p);
    const std::int64_t system_time =
        1'700'000'000'000'000'000 + now_.count() + random_.between(-2ms, 2ms).count();
    p.machines = std::make_unique<strands>(strands{
        election(election_settings_, p.self.id, answer.view.epoch, here),
        ordered_multicast(order_settings_, p.self),
        raffle(raffle_settings_),
        berkeley(berkeley_settings_, p.self, cluster_clock(clock_settings_, here, system_time)),
    });
    p.machines->election.add_score_sample(p.load);
    take_view(server, answer.view);
}

void simulator::world::take_view(unsigned server, const fleet_view& view) {
    process& p = processes_[server];
    strands& m = *p.machines;
    const member* const me = find_member(view.ring, p.self.id);
    if (me == nullptr || me->incarnation < p.self.incarnation) {
        // Dropped: nothing it knows of the fleet counts until it is let in again.
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
    trace(strand::membership, name_of_place(server) + " crashes");
    note_trouble();
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
    at_time(now_ + delay(), [this, id, life = disp_.life] {
        if (!disp_.alive || disp_.life != life || disp_.heard.erase(id) == 0) return;
        disp_.lock->lost(now_, id);
        if (disp_.members->drop(id)) members_changed();
    });
}

void simulator::world::restart(unsigned server) {
    process& p = processes_[server];
    if (p.alive) return;
    note_trouble();
    const bool same_id = !options_.even_delays && random_.chance(0.5);
    start(server, same_id ? member{p.self.id, 0} : member{});
}

void simulator::world::pause(unsigned server) {
    if (!processes_[server].alive) return;
    trace(strand::membership, name_of_place(server) + " is paused");
    note_trouble();
    processes_[server].paused = true;
}

void simulator::world::resume(unsigned server) {
    process& p = processes_[server];
    if (!p.paused) return;
    trace(strand::membership, name_of_place(server) + " goes on");
    note_trouble();
    p.paused = false;
    for (auto& run : std::exchange(p.frozen, {})) at_time(now_, std::move(run));
}

void simulator::world::isolate(unsigned server, bool on, bool from_dispatcher_too) {
    process& p = processes_[server];
    if (p.isolated == on) return;
    trace(strand::membership,
          name_of_place(server) + (on ? " is cut off from its peers" : " sees its peers again"));
    note_trouble();
    p.isolated = on;
    p.cut_off = on && from_dispatcher_too;
}

void simulator::world::set_load(unsigned server, double spare_capacity) {
    processes_[server].load = spare_capacity;
}

// ---- what a server does

void simulator::world::server_takes(unsigned server, unsigned from, const any_message& message) {
    process& p = processes_[server];
    if (const auto* answer = std::get_if<join_answer>(&message)) return admit(server, *answer);
    if (!p.machines) return;
    strands& m = *p.machines;
    const server_id sender = from == dispatcher ? 0 : processes_[from].self.id;
    const instant here = local(p);

    if (const auto* view = std::get_if<fleet_view>(&message)) {
        take_view(server, *view);
    } else if (const auto* answer = std::get_if<lock_answer>(&message)) {
        election_event(server, [&](instant t) {
            election_actions out = m.election.on_lock_answer(t, *answer);
            return out;
        });
    } else if (const auto* pass = std::get_if<pass_election>(&message)) {
        if (pass->epoch >= m.election.epoch() && pass->initiator != p.self.id)
            monitor_.froze_score(pass->epoch, p.self.id,
                                 m.election.score() * (pass->penalised == p.self.id ? 0.5 : 1));
        election_event(server, [&](instant t) { return m.election.on_pass(t, sender, *pass); });
    } else if (const auto* coordinator = std::get_if<coordinator_message>(&message)) {
        election_event(server, [&](instant t) { return m.election.on_coordinator(t, sender, *coordinator); });
    } else if (const auto* no = std::get_if<refused>(&message)) {
        election_event(server, [&](instant t) { return m.election.on_refused(t, no->epoch); });
    } else if (const auto* order = std::get_if<order_bytes>(&message)) {
        take_order_bytes(server, from, *order);
    } else if (const auto* probe = std::get_if<clock_probe>(&message)) {
        send(server, from, m.clock.on_probe(here, *probe));
    } else if (const auto* reply = std::get_if<clock_reply>(&message)) {
        perform(server, m.clock.on_reply(here, sender, *reply));
    } else if (const auto* correction = std::get_if<clock_correction>(&message)) {
        const epoch_number before = m.clock.clock().epoch();
        const std::int64_t target = m.clock.clock().line().target_at(here);
        const double rate = m.clock.clock().line().rate;
        if (!m.clock.on_correction(here, *correction))
            send(server, from, clock_refused{m.clock.clock().epoch()});
        const clock_line& after = m.clock.clock().line();
        if (correction->epoch < before && (after.target_at(here) != target || after.rate != rate))
            monitor_.fail("C3: a correction of the stale epoch " + std::to_string(correction->epoch) +
                          " applied");
    } else if (const auto* clock_no = std::get_if<clock_refused>(&message)) {
        m.clock.on_refused(clock_no->epoch);
    }
}

template <typename Call>
void simulator::world::election_event(unsigned server, Call call) {
    process& p = processes_[server];
    election& machine = p.machines->election;
    const epoch_number before = machine.epoch();
    const election_actions actions = call(local(p));
    monitor_.election_step(p.self.id, before, machine.epoch(), actions);
    perform(server, actions);
}

std::vector<server_id> simulator::world::alive_throughout(unsigned initiator, epoch_number epoch) const {
    std::vector<server_id> ids;
    for (const member& m : processes_[initiator].machines->election.ring()) {
        const unsigned place = place_of(m.id);
        if (place != dispatcher && processes_[place].alive && processes_[place].self == m &&
            processes_[place].started <= granted_at_.at(epoch))
            ids.push_back(m.id);
    }
    return ids;
}

void simulator::world::perform(unsigned server, const election_actions& actions) {
    process& p = processes_[server];
    strands& m = *p.machines;
    for (const election_action& action : actions) {
        if (const auto* ask = std::get_if<ask_lock>(&action)) {
            send(server, dispatcher, lock_request{ask->reason});
        } else if (const auto* release = std::get_if<release_lock>(&action)) {
            send(server, dispatcher, lock_release{release->epoch, release->leader});
        } else if (const auto* pass = std::get_if<send_pass>(&action)) {
            if (pass->message.initiator == p.self.id)
                monitor_.froze_score(pass->message.epoch, p.self.id, pass->message.best_score);
            if (const unsigned to = place_of(pass->to); to != dispatcher) send(server, to, pass->message);
        } else if (const auto* coordinator = std::get_if<send_coordinator>(&action)) {
            if (const unsigned to = place_of(coordinator->to); to != dispatcher)
                send(server, to, coordinator->message);
        } else if (const auto* refuse = std::get_if<refuse_stale>(&action)) {
            if (const unsigned to = place_of(refuse->to); to != dispatcher)
                send(server, to, refused{refuse->epoch});
        } else if (const auto* changed = std::get_if<leader_changed>(&action)) {
            if (changed->leader != 0) {
                if (m.election.holds_round(changed->epoch)) {
                    if (m.election.ring().size() == 1)
                        monitor_.froze_score(changed->epoch, p.self.id, m.election.score());
                    monitor_.decided(changed->epoch, changed->leader,
                                     alive_throughout(server, changed->epoch));
                }
                monitor_.followed(changed->epoch, changed->leader);
                trace(strand::election, name_of_place(server) + " follows leader " +
                                            std::to_string(changed->leader) + " under epoch " +
                                            std::to_string(changed->epoch));
            }
            order_event(server, [&](instant t, order_output& out) {
                m.order.on_leader(t, changed->epoch, changed->leader, out);
            });
            if (options_.clocks)
                perform(server, m.clock.on_leader(local(p), changed->epoch, changed->leader));
        }
    }
}

void simulator::world::perform(unsigned server, const berkeley_actions& actions) {
    for (const berkeley_action& action : actions) {
        if (const auto* correction = std::get_if<send_correction>(&action))
            monitor_.corrects(processes_[server].self.id, correction->message.epoch);
        std::visit(
            [&](const auto& a) {
                if (const unsigned to = place_of(a.to); to != dispatcher) send(server, to, a.message);
            },
            action);
    }
}

template <typename Call>
void simulator::world::order_event(unsigned server, Call call) {
    order_output out;
    call(local(processes_[server]), out);
    perform(server, out);
}

void simulator::world::take_order_bytes(unsigned server, unsigned from, const order_bytes& message) {
    process& p = processes_[server];
    strands& m = *p.machines;
    const auto frame = decode(message.frame);
    if (!frame) return monitor_.fail("a frame of the order does not decode");
    const auto* stop = std::get_if<stop_frame>(&*frame);
    const bool stale = stop != nullptr && stop->proposal.epoch < m.order.epoch();
    const server_id sender = processes_[from].self.id;
    order_output out;
    m.order.on_frame(local(p), sender, *message.frame, out);
    if (stale)
        for (const auto& sent : out.frames)
            if (const auto answer = decode(sent.frame); !std::holds_alternative<stale_frame>(*answer))
                monitor_.fail("E3: server " + std::to_string(p.self.id) + " stopped for a stale epoch");
    perform(server, out);
}

void simulator::world::perform(unsigned server, order_output& out) {
    process& p = processes_[server];
    strands& m = *p.machines;
    for (const auto& frame : out.frames)
        if (const unsigned to = place_of(frame.to); to != dispatcher)
            send(server, to, order_bytes{frame.frame});
    if (out.restore) {
        monitor_.restored(p.log, out.restore->history, out.restore->index);
        if (!m.raffle.restore(out.restore->snapshot)) monitor_.fail("a snapshot does not restore");
        if (out.restore->snapshot.empty())
            for (const process& other : processes_)
                if (other.alive && &other != &p && other.machines &&
                    other.machines->order.view() != view_id{} && other.log.history < out.restore->history &&
                    find_member(disp_.members->ring(), other.self.id) &&
                    *find_member(disp_.members->ring(), other.self.id) == other.self && disp_.alive)
                    monitor_.fail("T1: a new log begins although server " + std::to_string(other.self.id) +
                                  " has the old one");
    }
    for (const auto& delivered : out.deliveries) {
        if (delivered.first_index != p.log.index)
            monitor_.fail("T2: server " + std::to_string(p.self.id) + " jumps to index " +
                          std::to_string(delivered.first_index));
        for_each_message(
            delivered.messages, delivered.skip, [&](std::uint64_t number, std::string_view payload) {
                monitor_.delivered(p.log, {delivered.origin, delivered.messages.incarnation, number},
                                   payload);
                m.raffle.deliver(delivered.origin, payload);
                monitor_.raffle_at(p.log, m.raffle.hash(), m.raffle.requests());
                trace(strand::order, name_of_place(server) + " delivers #" + std::to_string(p.log.index) +
                                         ": message " + std::to_string(number) + " of server " +
                                         std::to_string(delivered.origin));
            });
    }
    if (out.view) {
        monitor_.entered(p.log, out.view->view);
        trace(strand::order, name_of_place(server) + " enters view " + std::to_string(out.view->view.epoch) +
                                 "." + std::to_string(out.view->view.serial) + " at index " +
                                 std::to_string(out.view->index));
    }
    if (out.snapshot_wanted) {
        order_output more;
        m.order.provide_snapshot(local(p), m.raffle.save(), more);
        perform(server, more);
    }
}

void simulator::world::submit(unsigned server, std::vector<request_run> runs) {
    process& p = processes_[server];
    if (!p.alive || p.paused || !p.machines) return;
    const std::string payload = encode_runs(runs);
    ordered_multicast& order = p.machines->order;
    const monitor::message_name name{p.self.id, p.process_incarnation, order.next_number()};
    if (order.submit(payload)) monitor_.submitted(name, payload, p.log);
    step(server);
}

// ---- after every event of a server: what has gathered goes out, the timer is set, the invariants are
// checked

void simulator::world::step(unsigned server) {
    process& p = processes_[server];
    if (!p.machines) return;
    order_event(server, [&](instant t, order_output& out) { p.machines->order.flush(t, out); });
    arm(server);
    if (options_.clocks) check_clocks();
}

void simulator::world::arm(unsigned server) {
    process& p = processes_[server];
    const strands& m = *p.machines;
    instant due = std::min(m.election.deadline(), m.order.deadline());
    if (options_.clocks) due = std::min(due, m.clock.deadline());
    if (due == never) return;
    const instant when = std::max(now_, true_time_of(p, due));
    if (p.timer_at <= when) return;
    p.timer_at = when;
    const std::uint64_t token = ++p.timer_token;
    at_time(when, [this, server, token, life = p.life] {
        process& owner = processes_[server];
        if (owner.life == life && owner.timer_token == token) owner.timer_at = never;
        on_process(server, life, [=, this] {
            if (processes_[server].timer_token == token || processes_[server].timer_at == never) tick(server);
        });
    });
}

void simulator::world::tick(unsigned server) {
    process& p = processes_[server];
    strands& m = *p.machines;
    const instant here = local(p);
    if (here >= m.election.deadline()) election_event(server, [&](instant t) { return m.election.tick(t); });
    if (here >= m.order.deadline())
        order_event(server, [&](instant t, order_output& out) { m.order.tick(t, out); });
    if (options_.clocks && here >= m.clock.deadline()) perform(server, m.clock.tick(here));
}

void simulator::world::check_clocks() {
    std::vector<monitor::clock_reading> readings;
    for (process& p : processes_) {
        if (!p.alive || !p.machines) continue;
        const instant here = local(p);
        const cluster_clock& clock = p.machines->clock.clock();
        monitor_.clock_step(p.watch, clock, here);
        const clock_line& line = clock.line();
        const clock_state state = line.state_at(here);
        const member* const listed = find_member(disp_.members->ring(), p.self.id);
        if (state != clock_state::synchronised && state != clock_state::holdover) continue;
        if (listed == nullptr || *listed != p.self) continue;
        readings.push_back({p.self.id, line.reading_at(here), line.error_at(here).count()});
    }
    monitor_.clocks_agree(readings);
}

simulation_result simulator::world::result() const {
    simulation_result result;
    if (violation()) {
        char time[48];
        std::snprintf(time, sizeof time, " (at %.6f s)", static_cast<double>(now_.count()) / 1e9);
        result.violation = *violation() + time;
    }
    result.steps = steps_;
    result.delivered = monitor_.longest_log();
    result.elections = monitor_.elections();
    result.views = monitor_.views();
    return result;
}

} // namespace stadion::support
