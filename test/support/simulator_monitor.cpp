#include "test/support/simulator_monitor.hpp"

#include <algorithm>
#include <cmath>

namespace stadion::support {

using namespace clocksync;

// ---- election

void monitor::granted(const lock_record& before, epoch_number epoch, server_id who, election_reason reason,
                      bool trouble, bool tenure_over, bool better_by_margin) {
    if (epoch <= granted_)
        fail("E2: epoch " + std::to_string(epoch) + " was granted after " + std::to_string(granted_));
    granted_ = epoch;
    if (before.leader == 0 || trouble) return;
    if (reason != election_reason::challenge || !tenure_over || !better_by_margin)
        fail("E6: server " + std::to_string(who) + " may replace the healthy leader " +
             std::to_string(before.leader) + " (" + std::string(to_string(reason)) + ")");
}

void monitor::crashed(server_id who) {
    for (auto& [epoch, scores] : scores_) scores.erase(who);
}

void monitor::froze_score(epoch_number epoch, server_id who, double score) {
    scores_[epoch].try_emplace(who, score);
}

void monitor::decided(epoch_number epoch, server_id leader, const std::vector<server_id>& alive_throughout) {
    const auto& scores = scores_[epoch];
    const auto winner = scores.find(leader);
    if (std::ranges::find(alive_throughout, leader) == alive_throughout.end()) return; // it died on the way
    if (winner == scores.end()) return fail("E4: the winner " + std::to_string(leader) + " was never asked");
    for (const server_id id : alive_throughout) {
        const auto other = scores.find(id);
        if (other == scores.end()) return fail("E4: member " + std::to_string(id) + " was never asked");
        const bool better =
            other->second > winner->second || (other->second == winner->second && id < leader);
        if (better) fail("E4: " + std::to_string(id) + " is better than " + std::to_string(leader));
    }
}

void monitor::followed(epoch_number epoch, server_id leader) {
    const auto [place, first] = leaders_.try_emplace(epoch, leader);
    if (place->second != leader)
        fail("E1: epoch " + std::to_string(epoch) + " has leaders " + std::to_string(place->second) +
             " and " + std::to_string(leader));
}

void monitor::election_step(server_id who, epoch_number before, epoch_number after,
                            const election_actions& actions) {
    if (after < before) fail("E2: the epoch of server " + std::to_string(who) + " fell");
    const auto current = [&](epoch_number epoch) {
        if (epoch < before)
            fail("E3: server " + std::to_string(who) + " acts on the stale epoch " + std::to_string(epoch));
    };
    for (const election_action& action : actions) {
        if (const auto* pass = std::get_if<send_pass>(&action)) current(pass->message.epoch);
        if (const auto* coordinator = std::get_if<send_coordinator>(&action))
            current(coordinator->message.epoch);
        if (const auto* changed = std::get_if<leader_changed>(&action)) current(changed->epoch);
    }
}

// ---- order

void monitor::submitted(const message_name& name, std::string_view payload,
                        const std::vector<request_run>& runs, const log_position& seen) {
    if (!messages_.try_emplace(name, known_message{std::string(payload), runs, seen}).second)
        fail("the simulator submitted a number twice");
}

void monitor::delivered(log_position& at, const message_name& name, std::string_view payload) {
    const std::string what = "message " + std::to_string(name.origin) + "." +
                             std::to_string(name.incarnation) + "#" + std::to_string(name.number) +
                             " at index " + std::to_string(at.index);
    const auto known = messages_.find(name);
    if (known == messages_.end() || known->second.payload != payload) return fail("T3: invented: " + what);
    if (known->second.seen.history == at.history && known->second.seen.index > at.index)
        fail("T4: before what its sender had seen: " + what);

    history_log& log = logs_[at.history];
    if (at.index < log.messages.size()) {
        if (log.messages[at.index] != name) fail("T1: another one was delivered elsewhere: " + what);
    } else if (at.index > log.messages.size()) {
        fail("T2: a gap: " + what);
    } else {
        if (!log.names.insert(name).second) fail("T3: twice: " + what);
        std::uint64_t& last = log.last_number[{name.origin, name.incarnation}];
        if (last != 0 && name.number != last + 1) fail("T4: out of its sender's order: " + what);
        last = name.number;
        log.messages.push_back(name);
        delivered_.insert(name);
        for (const request_run& run : known->second.runs)
            for (std::uint64_t i = 0; i < run.count; ++i)
                if (run.first < std::uint64_t{1} << 62) log.counted.emplace(run.client, run.first + i);
        log.unique.push_back(log.counted.size());
    }
    ++at.index;
}

void monitor::restored(log_position& at, view_id history, std::uint64_t index) {
    if (index > logs_[history].messages.size()) fail("T2: a newcomer starts beyond the end of the log");
    at = {history, index};
}

void monitor::raffle_at(const log_position& at, const std::string& hash, std::uint64_t requests) {
    if (at.index == 0) return;
    history_log& log = logs_[at.history];
    const std::size_t place = at.index - 1;
    if (log.hashes.size() <= place) {
        log.hashes.resize(place + 1);
        log.requests.resize(place + 1);
    }
    if (log.hashes[place].empty()) {
        log.hashes[place] = hash;
        log.requests[place] = requests;
    }
    if (log.hashes[place] != hash || log.requests[place] != requests)
        fail("R1: another raffle at index " + std::to_string(at.index));
    if (place < log.unique.size() && log.unique[place] != requests)
        fail("R2: " + std::to_string(log.unique[place]) + " requests were made and " +
             std::to_string(requests) + " counted");
}

void monitor::entered(const log_position& at, view_id view) {
    const auto [place, first] = boundaries_.try_emplace(view, at.index);
    if (place->second != at.index)
        fail("T5: view " + std::to_string(view.epoch) + "." + std::to_string(view.serial) +
             " begins at index " + std::to_string(place->second) + " and at " + std::to_string(at.index));
}

std::uint64_t monitor::longest_log() const {
    std::size_t longest = 0;
    for (const auto& [history, log] : logs_) longest = std::max(longest, log.messages.size());
    return longest;
}

// ---- clock

void monitor::corrects(server_id who, epoch_number epoch) {
    const auto leader = leaders_.find(epoch);
    if (leader == leaders_.end() || leader->second != who)
        fail("C3: server " + std::to_string(who) + " corrects clocks under epoch " + std::to_string(epoch) +
             ", which it does not lead");
}

void monitor::clock_step(clock_watch& watch, const cluster_clock& clock, instant local) {
    const std::int64_t reading = clock.line().reading_at(local);
    if (watch.watched && watch.serving) {
        const std::int64_t elapsed = (local - watch.local).count();
        const std::int64_t moved = reading - watch.reading;
        // A learned rate of some hundred ppm, and slewing.
        const double play = static_cast<double>(elapsed) * (slew_limit + 500e-6) + 4;
        if (moved < 0) fail("C1: a reading fell by " + std::to_string(-moved) + " ns");
        if (std::abs(static_cast<double>(moved - elapsed)) > play)
            fail("C1: a reading moved by " + std::to_string(moved) + " ns in " + std::to_string(elapsed));
    }
    watch = {true, local, reading, clock.serving()};
}

void monitor::clocks_agree(const std::vector<clock_reading>& all) {
    if (all.empty()) return;
    const auto early = std::ranges::max(all, {}, [](const clock_reading& r) { return r.reading - r.error; });
    const auto late = std::ranges::min(all, {}, [](const clock_reading& r) { return r.reading + r.error; });
    if (early.reading - early.error > late.reading + late.error)
        fail("C2: servers " + std::to_string(early.who) + " and " + std::to_string(late.who) + " differ by " +
             std::to_string(early.reading - late.reading) + " ns with bounds " + std::to_string(early.error) +
             " and " + std::to_string(late.error));
}

} // namespace stadion::support
