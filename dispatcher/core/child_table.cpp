#include "dispatcher/core/child_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace stadion::dispatcher {

using balancer::time_point;

slot_id child_table::want(std::string kind, std::string address) {
    slot fresh;
    fresh.wanted_address = address;
    fresh.child = {std::move(kind), std::move(address), 0, 0};
    fresh.since = time_point::min();
    return add(std::move(fresh));
}

slot_id child_table::adopt(const child_record& running, time_point now) {
    slot fresh;
    fresh.wanted_address = running.address;
    fresh.child = running;
    fresh.now = state::running;
    fresh.since = now;
    return add(std::move(fresh));
}

slot_id child_table::add(slot fresh) {
    fresh.policy = balancer::restart_policy(settings_);
    const slot_id id{next_slot_++};
    slots_.emplace(id, std::move(fresh));
    return id;
}

std::vector<child_table::launch> child_table::take_due(time_point now) {
    std::vector<launch> due;
    if (stopping_) return due;
    for (auto& [id, one] : slots_) {
        if (one.now != state::due || one.since > now) continue;
        one.now = state::launching;
        due.push_back({id, one.child.kind, one.child.address});
    }
    return due;
}

std::optional<time_point> child_table::next_due() const {
    std::optional<time_point> next;
    if (stopping_) return next;
    for (const auto& [id, one] : slots_)
        if (one.now == state::due && (!next || one.since < *next)) next = one.since;
    return next;
}

void child_table::launched(slot_id id, std::uint32_t pid, std::uint64_t born, const std::string& dispatcher,
                           time_point now) {
    slot& one = slots_.at(id);
    assert(one.now == state::launching && pid != 0);
    one.now = state::running;
    one.since = now;
    one.child.pid = pid;
    one.child.born = born;
    one.child.dispatcher = dispatcher;
}

void child_table::launch_failed(slot_id id, time_point now, std::string why) {
    slot& one = slots_.at(id);
    assert(one.now == state::launching);
    if (stopping_) return void(slots_.erase(id));
    one.last_end = "could not be started";
    one.last_words = std::move(why);
    schedule(one, now, now);
}

void child_table::bound(std::uint32_t pid, std::string address) {
    if (const auto position = find(pid); position != slots_.end())
        position->second.child.address = std::move(address);
}

void child_table::last_words(std::uint32_t pid, std::string words) {
    if (const auto position = find(pid); position != slots_.end()) position->second.words = std::move(words);
}

std::optional<child_table::death_report> child_table::died(std::uint32_t pid, time_point now,
                                                           std::string how) {
    const auto position = find(pid);
    if (position == slots_.end()) return std::nullopt;
    slot& one = position->second;
    death_report notice{position->first, one.child, one.retired || stopping_, {}};
    one.last_end = std::move(how);
    one.last_words = std::exchange(one.words, {});
    if (notice.expected)
        slots_.erase(position);
    else
        notice.restart = schedule(one, one.since, now);
    return notice;
}

balancer::restart_policy::decision child_table::schedule(slot& one, time_point started, time_point now) {
    const auto decision = one.policy.died(started, now);
    if (decision.crash_loop) one.child.address = one.wanted_address;
    one.child.pid = 0;
    one.child.born = 0;
    one.now = state::due;
    one.since = now + decision.delay;
    one.last = decision;
    ++one.restarts;
    return decision;
}

bool child_table::retire(std::uint32_t pid) {
    const auto position = find(pid);
    if (position == slots_.end()) return false;
    position->second.retired = true;
    return true;
}

void child_table::stop() {
    stopping_ = true;
    std::erase_if(slots_, [](const auto& entry) { return entry.second.now == state::due; });
}

std::vector<child_record> child_table::running() const {
    std::vector<child_record> children;
    for (const auto& [id, one] : slots_)
        if (one.now == state::running) children.push_back(one.child);
    return children;
}

std::vector<child_table::report> child_table::reports(time_point now) const {
    std::vector<report> all;
    for (const auto& [id, one] : slots_) {
        report& fresh = all.emplace_back();
        fresh.child = one.child;
        const bool runs = one.now == state::running;
        const auto time = runs ? now - one.since : std::max(one.since, now) - now;
        fresh.time = std::chrono::duration_cast<std::chrono::milliseconds>(time);
        fresh.restarts = one.restarts;
        const bool is_stable = runs && time >= settings_.stable_after;
        fresh.early_deaths = is_stable ? 0 : one.last.early_deaths;
        fresh.is_in_crash_loop = !is_stable && one.last.crash_loop;
        fresh.last_end = one.last_end;
        fresh.last_words = one.last_words;
    }
    return all;
}

std::vector<child_record> child_table::all() const {
    std::vector<child_record> children;
    for (const auto& [id, one] : slots_) children.push_back(one.child);
    return children;
}

child_table::slots::iterator child_table::find(std::uint32_t pid) {
    return std::find_if(slots_.begin(), slots_.end(), [&](const auto& entry) {
        return entry.second.now == state::running && entry.second.child.pid == pid;
    });
}

} // namespace stadion::dispatcher
