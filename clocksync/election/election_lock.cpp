#include "clocksync/election/election_lock.hpp"

#include <algorithm>
#include <array>

namespace stadion::clocksync {
namespace {

constexpr std::array<std::string_view, 5> reason_names{"periodic", "leader-lost", "leader-silent",
                                                       "challenge", "requested"};

constexpr epoch_number epochs_reserved = 8;

} // namespace

lock_record to_persist(const lock_record& on_disk, const lock_record& now) {
    if (now.leader != 0) return now;
    if (on_disk.leader == 0 && on_disk.epoch >= now.epoch) return on_disk;
    return {now.epoch + epochs_reserved, 0};
}

std::string_view to_string(election_reason reason) { return reason_names[static_cast<std::size_t>(reason)]; }

election_reason election_reason_from(std::string_view text) {
    const auto found = std::ranges::find(reason_names, text);
    if (found == reason_names.end()) return election_reason::requested;
    return static_cast<election_reason>(found - reason_names.begin());
}

election_lock::election_lock(lock_settings settings, lock_record from, instant now)
    : settings_(settings), record_(from), leader_since_(now) {}

lock_decision election_lock::ask(instant now, server_id who, election_reason reason, bool on_own_connection) {
    const bool complains = reason == election_reason::leader_lost || reason == election_reason::leader_silent;
    if (complains && on_own_connection && now >= complaints_ignored_until_ && contains(ring_, who))
        complaints_[who] = now;
    const bool may = may_hold(now, who, reason, on_own_connection);
    if (on_own_connection) asked_on_own_connection_ = now;
    if (may) {
        granted_on_own_connection_ = on_own_connection;
        return grant(now, who, record_.leader != 0 && leader_failed(now));
    }

    lock_answer refusal;
    refusal.epoch = record_.epoch;
    refusal.holder = holder(now);
    refusal.leader = record_.leader;
    return {std::nullopt, refusal, 0};
}

bool election_lock::may_hold(instant now, server_id who, election_reason reason,
                             bool on_own_connection) const {
    if (!contains(ring_, who)) return false;
    if (!on_own_connection && asked_on_own_connection_ && now - *asked_on_own_connection_ <= settings_.lease)
        return false;
    const server_id holding = holder(now);
    if (settings_.bug == planted_bug::lock_grants_same_epoch) return true;
    if (holding != 0 && holding != who) return false;
    if (record_.leader == 0 || leader_failed(now)) return true;
    if (settings_.bug == planted_bug::lock_grants_while_healthy) return true;
    if (reason != election_reason::challenge) return false;
    return now - leader_since_ >= settings_.minimum_tenure ||
           settings_.bug == planted_bug::lock_ignores_tenure;
}

bool election_lock::leader_failed(instant now) const {
    if (!contains(ring_, record_.leader)) return true;
    std::size_t complaining = 0;
    for (const auto& [id, when] : complaints_)
        if (id != record_.leader && contains(ring_, id) && now - when <= settings_.complaint_window)
            ++complaining;
    const std::size_t others = ring_.size() - 1;
    return complaining > others / 2;
}

lock_decision election_lock::grant(instant now, server_id who, bool after_failure) {
    const server_id silenced = after_failure && contains(ring_, record_.leader) ? record_.leader : 0;
    if (after_failure) {
        penalised_ = record_.leader;
        penalised_until_ = now + settings_.penalty;
    }
    record_ = {settings_.bug == planted_bug::lock_grants_same_epoch && holder(now) != 0 ? record_.epoch
                                                                                        : record_.epoch + 1,
               0};
    holder_ = who;
    lease_end_ = now + settings_.lease;
    complaints_.clear();

    lock_answer answer;
    answer.granted = true;
    answer.epoch = record_.epoch;
    answer.lease = settings_.lease;
    answer.holder = who;
    answer.penalised = now < penalised_until_ ? penalised_ : 0;
    return {record_, answer, silenced};
}

std::optional<lock_record> election_lock::release(instant now, server_id who, epoch_number epoch,
                                                  server_id leader, bool on_own_connection) {
    if (granted_on_own_connection_ && !on_own_connection) return std::nullopt;
    if (epoch != record_.epoch || record_.leader != 0) return std::nullopt;
    if (who != holder_ && who != leader) return std::nullopt;
    holder_ = 0;
    if (leader == 0 || !contains(ring_, leader)) return std::nullopt;
    record_.leader = leader;
    leader_since_ = now;
    complaints_.clear();
    return record_;
}

std::optional<lock_record> election_lock::set_members(instant now, const std::vector<ring_member>& ring) {
    // A leader that came back under a new incarnation does not know that it leads.
    const ring_member* const before = find_member(ring_, record_.leader);
    const ring_member* const after = find_member(ring, record_.leader);
    const bool replaced = before != nullptr && after != nullptr && *before != *after;
    ring_ = ring;
    if (!contains(ring_, holder_)) holder_ = 0;
    if (record_.leader == 0 || (after != nullptr && !replaced)) return std::nullopt;
    penalised_ = record_.leader;
    penalised_until_ = now + settings_.penalty;
    record_.leader = 0;
    return record_;
}

} // namespace stadion::clocksync
