#include "clocksync/order/order_coordinator.hpp"

#include <algorithm>

namespace stadion::clocksync {

addressed_frames order_coordinator::lead(instant now, epoch_number epoch) {
    if (epoch <= epoch_) return {};
    epoch_ = epoch;
    proposal_id_ = {epoch, 0};
    return begin(now);
}

addressed_frames order_coordinator::on_ring(instant now, const std::vector<ring_member>& ring) {
    if (ring == ring_) return {};
    ring_ = ring;
    return leads() ? begin(now) : addressed_frames{};
}

addressed_frames order_coordinator::begin(instant now) {
    if (!contains(ring_, self_)) {
        phase_ = phase::resting;
        deadline_ = never;
        return {};
    }
    ++proposal_id_.serial;
    phase_ = phase::collecting;
    reports_.clear();
    answered_.clear();
    deadline_ = now + retry_;
    return to_missing(stop_frame{proposal_id_, ring_});
}

addressed_frames order_coordinator::on_report(instant now, server_id from, const report_frame& report) {
    const ring_member* const who = find_member(ring_, from);
    if (phase_ != phase::collecting || report.proposal != proposal_id_ || who == nullptr) return {};
    if (who->incarnation != report.incarnation)
        return {}; // its view or this one's is old; the next view ends that
    reports_[from] = report;
    answered_.insert(from);
    return answered_.size() == ring_.size() ? propose(now) : addressed_frames{};
}

addressed_frames order_coordinator::propose(instant now) {
    view_id base;
    for (const auto& [id, report] : reports_) base = std::max(base, report.installed);

    // Some members confirmed the view that others have installed: finish that first, then begin again.
    addressed_frames out;
    for (const auto& [id, report] : reports_) {
        if (report.installed == base || !report.confirmed || report.confirmed->proposal != base) continue;
        const bool survives =
            std::ranges::find(report.confirmed->survivors, id) != report.confirmed->survivors.end();
        if (survives || report.confirmed->donor == 0) out.push_back({id, commit_frame{epoch_, base}});
    }
    if (!out.empty()) {
        const addressed_frames again = begin(now);
        out.insert(out.end(), again.begin(), again.end());
        return out;
    }

    proposal_ = {};
    proposal_.proposal = proposal_id_;
    proposal_.base = base;
    proposal_.members = ring_;
    std::ranges::sort(proposal_.members);
    for (const auto& [id, report] : reports_)
        if (report.installed == base && base != view_id{}) proposal_.survivors.push_back(id);
    proposal_.cut = cut_of(proposal_.survivors);
    if (!proposal_.survivors.empty()) {
        const bool here = std::ranges::find(proposal_.survivors, self_) != proposal_.survivors.end();
        proposal_.donor = here ? self_ : proposal_.survivors.front();
    } else {
        proposal_.began_us = static_cast<std::uint64_t>((now + unix_ahead_).count()) / 1000;
    }
    phase_ = phase::proposing;
    retries_ = 0;
    answered_.clear();
    deadline_ = now + retry_;
    out = to_missing(proposal_);
    if (bug_ == planted_bug::order_commits_early) {
        const addressed_frames early = to_missing(commit_frame{epoch_, proposal_id_});
        out.insert(out.end(), early.begin(), early.end());
    }
    return out;
}

// The latest cut that a survivor confirmed, since it may have been committed; else all that any survivor
// holds.
std::vector<cut_entry> order_coordinator::cut_of(const std::vector<server_id>& survivors) const {
    const propose_frame* confirmed = nullptr;
    for (const server_id id : survivors) {
        const auto& theirs = reports_.at(id).confirmed;
        if (theirs && (confirmed == nullptr || theirs->proposal > confirmed->proposal)) confirmed = &*theirs;
    }

    std::map<server_id, cut_entry> cut;
    for (const server_id id : survivors) {
        for (const held& h : reports_.at(id).holdings) {
            const auto [place, fresh] = cut.try_emplace(h.sender, cut_entry{h.sender, h.timestamp, id});
            if (!fresh && h.timestamp > place->second.timestamp) place->second = {h.sender, h.timestamp, id};
        }
    }
    if (confirmed != nullptr)
        for (const cut_entry& agreed : confirmed->cut) cut[agreed.sender].timestamp = agreed.timestamp;

    std::vector<cut_entry> out;
    for (const auto& [sender, entry] : cut) out.push_back(entry);
    return out;
}

addressed_frames order_coordinator::on_confirm(instant now, server_id from, const confirm_frame& confirm) {
    if (phase_ != phase::proposing || confirm.proposal != proposal_id_ || !contains(ring_, from)) return {};
    answered_.insert(from);
    return answered_.size() == ring_.size() ? commit(now) : addressed_frames{};
}

addressed_frames order_coordinator::commit(instant now) {
    phase_ = phase::committing;
    answered_.clear();
    deadline_ = now + retry_;
    return to_missing(commit_frame{epoch_, proposal_id_});
}

void order_coordinator::on_installed(server_id from, const installed_frame& installed) {
    if (phase_ != phase::committing || installed.view != proposal_id_ || !contains(ring_, from)) return;
    answered_.insert(from);
    if (answered_.size() < ring_.size()) return;
    phase_ = phase::resting;
    deadline_ = never;
}

addressed_frames order_coordinator::tick(instant now) {
    if (now < deadline_) return {};
    deadline_ = now + retry_;
    ++retries_;
    switch (phase_) {
    case phase::collecting:
        return to_missing(stop_frame{proposal_id_, ring_});
    case phase::proposing:
        return retries_ > retries_max ? begin(now) : to_missing(proposal_);
    case phase::committing:
        return to_missing(commit_frame{epoch_, proposal_id_});
    case phase::resting:
        break;
    }
    deadline_ = never;
    return {};
}

addressed_frames order_coordinator::to_missing(const order_frame& frame) const {
    addressed_frames out;
    for (const ring_member& m : ring_)
        if (!answered_.contains(m.id)) out.push_back({m.id, frame});
    return out;
}

} // namespace stadion::clocksync
