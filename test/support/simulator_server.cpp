#include "test/support/simulator_world.hpp"

#include <algorithm>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

// ---- what a server does

void simulator::world::server_takes(unsigned server, unsigned from, const any_message& message) {
    process& p = processes_[server];
    if (const auto* answer = std::get_if<join_answer>(&message)) return admit(server, *answer);
    if (!p.machines) return;
    strands& m = *p.machines;
    const server_id sender = from >= processes_.size() ? 0 : processes_[from].self.id;
    const instant here = local(p);

    if (const auto* view = std::get_if<fleet_view>(&message)) {
        take_view(server, *view);
    } else if (std::holds_alternative<not_joined>(message)) {
        reconnect(server);
    } else if (std::holds_alternative<new_election>(message)) {
        election_event(server, [&](instant t) { return m.election.on_requested(t); });
    } else if (std::holds_alternative<leader_answer>(message)) {
        m.election.on_answer(here, sender);
    } else if (const auto* answer = std::get_if<lock_answer>(&message)) {
        election_event(server, [&](instant t) {
            election_actions out = m.election.on_lock_answer(t, *answer);
            return out;
        });
    } else if (const auto* pass = std::get_if<pass_election>(&message)) {
        election_event(server, [&](instant t) { return m.election.on_pass(t, sender, *pass); });
    } else if (const auto* coordinator = std::get_if<coordinator_message>(&message)) {
        bool refuses = false;
        election_event(server, [&](instant t) {
            election_actions out = m.election.on_coordinator(t, sender, *coordinator);
            refuses =
                std::ranges::any_of(out, [](const auto& a) { return std::holds_alternative<refuse>(a); });
            return out;
        });
        if (coordinator->beat && coordinator->leader == p.self.id && !refuses)
            send(server, from, leader_answer{});
    } else if (const auto* no = std::get_if<refused>(&message)) {
        election_event(server, [&](instant t) { return m.election.on_refused(t, no->epoch); });
    } else if (const auto* order = std::get_if<order_bytes>(&message)) {
        take_order_bytes(server, *order);
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

std::vector<server_id> simulator::world::alive_throughout(unsigned initiator, epoch_number epoch) const {
    std::vector<server_id> ids;
    for (const ring_member& m : processes_[initiator].machines->election.ring()) {
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
            if (const unsigned to = place_of(pass->to); to != dispatcher) send(server, to, pass->message);
        } else if (const auto* coordinator = std::get_if<send_coordinator>(&action)) {
            if (const unsigned to = place_of(coordinator->to); to != dispatcher)
                send(server, to, coordinator->message);
        } else if (const auto* question = std::get_if<ask_leader>(&action)) {
            if (const unsigned to = place_of(question->to); to != dispatcher)
                send(server, to, question->message);
        } else if (const auto* no = std::get_if<refuse>(&action)) {
            if (const unsigned to = place_of(no->to); to != dispatcher) send(server, to, refused{no->epoch});
        } else if (const auto* changed = std::get_if<leader_changed>(&action)) {
            if (changed->leader != 0) {
                if (m.election.holds_round(changed->epoch))
                    monitor_.decided(changed->epoch, changed->leader,
                                     alive_throughout(server, changed->epoch));
                monitor_.followed(changed->epoch, changed->leader);
                trace(trace_topic::election, name_of_place(server) + " follows leader " +
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

void simulator::world::take_order_bytes(unsigned server, const order_bytes& message) {
    process& p = processes_[server];
    strands& m = *p.machines;
    if (!is_from_ring(key, message.key) && options_.bug != planted_bug::order_believes_strangers) return;
    const auto frame = decode(message.frame);
    if (!frame) return monitor_.fail("a frame of the order does not decode");
    const auto* stop = std::get_if<stop_frame>(&*frame);
    const bool stale = stop != nullptr && stop->proposal.epoch < m.order.epoch();
    order_output out;
    m.order.on_frame(local(p), message.from, *message.frame, out);
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
            send(server, to, order_bytes{p.self.id, key, frame.frame});
    if (out.restore) {
        monitor_.restored(p.log, out.restore->history, out.restore->index);
        if (!m.raffle.restore(out.restore->snapshot)) monitor_.fail("a snapshot does not restore");
        histories_.insert(out.restore->history);
        if (histories_.size() > 1 && !servers_suffered_)
            monitor_.fail("T7: a new log begins although no server was ever lost");
        if (out.restore->snapshot.empty())
            for (const process& other : processes_)
                if (other.alive && &other != &p && other.machines &&
                    other.machines->order.view() != view_id{} && other.log.history < out.restore->history &&
                    find_member(disp_.ring->record().ring, other.self.id) &&
                    *find_member(disp_.ring->record().ring, other.self.id) == other.self && disp_.alive)
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
                trace(trace_topic::order,
                      name_of_place(server) + " delivers #" + std::to_string(p.log.index) + ": message " +
                          std::to_string(number) + " of server " + std::to_string(delivered.origin));
            });
    }
    if (out.view) {
        monitor_.entered(p.log, out.view->view);
        trace(trace_topic::order,
              name_of_place(server) + " enters view " + std::to_string(out.view->view.epoch) + "." +
                  std::to_string(out.view->view.serial) + " at index " + std::to_string(out.view->index));
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
    if (order.submit(payload)) monitor_.submitted(name, payload, runs, p.log);
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
        const ring_member* const listed = find_member(disp_.ring->record().ring, p.self.id);
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
