// The member's side of a view change; the coordinator's is in order_coordinator.
#include "clocksync/order/ordered_multicast.hpp"

#include <algorithm>

namespace stadion::clocksync {

void ordered_multicast::on_view(instant now, const fleet_view& view, order_output& out) {
    if (const ring_member* const me = find_member(view.ring, self_.id);
        me && me->incarnation > self_.incarnation)
        become_newcomer(me->incarnation);
    send_all(now, coordinator_.on_ring(now, view.ring), out);
}

void ordered_multicast::on_leader(instant now, epoch_number epoch, server_id leader, order_output& out) {
    if (epoch < epoch_) return;
    raise_epoch(epoch);
    if (leader == self_.id)
        send_all(now, coordinator_.lead(now, epoch), out);
    else if (coordinator_.leads())
        coordinator_.step_down();
}

bool ordered_multicast::raise_epoch(epoch_number epoch) {
    if (epoch < epoch_) return false;
    epoch_ = epoch;
    if (coordinator_.leads() && coordinator_.epoch() < epoch) coordinator_.step_down();
    return true;
}

// ---- stop and report

void ordered_multicast::handle_stop(instant now, server_id from, const stop_frame& frame, order_output& out) {
    const bool current = raise_epoch(frame.proposal.epoch);
    if (!current && settings_.bug != planted_bug::order_accepts_stale_stop)
        return send(now, from, stale_frame{epoch_}, out);
    const ring_member* const me = find_member(frame.ring, self_.id);
    if (me == nullptr || me->incarnation < self_.incarnation || frame.proposal <= view_) return;
    if (stopped_ && frame.proposal < *stopped_ && current) return;
    if (me->incarnation > self_.incarnation) become_newcomer(me->incarnation);
    if (stopped_ != frame.proposal) proposal_.reset();
    stopped_ = frame.proposal;
    report(now, from, out);
}

void ordered_multicast::report(instant now, server_id to, order_output& out) {
    report_frame answer;
    answer.proposal = *stopped_;
    answer.incarnation = self_.incarnation;
    answer.installed = view_;
    for (std::size_t i = 0; i < members_.size(); ++i)
        answer.holdings.push_back({members_[i].id, senders_[i].received});
    answer.confirmed = confirmed_;
    send(now, to, answer, out);
}

// The server was dropped and readmitted, or missed a view change. What it held of the old view is void. Its
// own messages stay queued under their numbers.
void ordered_multicast::become_newcomer(std::uint64_t incarnation) {
    take_back_own();
    self_.incarnation = incarnation;
    view_ = {};
    history_ = {};
    members_.clear();
    senders_.clear();
    own_slot_ = nowhere;
    held_.reset(0);
    stopped_.reset();
    proposal_.reset();
    confirmed_.reset();
    donation_.reset();
    newcomers_.clear();
    arriving_ = {};
}

// Own batches that are held and not delivered go back to the front of the queue.
void ordered_multicast::take_back_own() {
    if (!installed()) return;
    std::vector<chunk> all;
    for (const batch& b : held_.of(own_slot_))
        all.push_back({b.first_number, b.count, std::string(b.messages())});
    all.insert(all.end(), std::make_move_iterator(chunks_.begin()), std::make_move_iterator(chunks_.end()));
    chunks_ = std::move(all);
    if (settings_.bug == planted_bug::order_resends_after_new && chunks_.size() > 1)
        std::rotate(chunks_.begin(), chunks_.begin() + 1, chunks_.end());
    if (settings_.bug != planted_bug::order_renumbers_resent) return;
    for (chunk& c : chunks_) {
        c.first_number = next_number_;
        next_number_ += c.count;
    }
}

// ---- propose, fetch, fill, confirm

void ordered_multicast::handle_propose(instant now, server_id from, const propose_frame& frame,
                                       order_output& out) {
    if (!raise_epoch(frame.proposal.epoch)) return send(now, from, stale_frame{epoch_}, out);
    if (stopped_ != frame.proposal || !contains(frame.members, self_.id)) return;
    const bool survivor = std::ranges::find(frame.survivors, self_.id) != frame.survivors.end();
    if (survivor && frame.base != view_) return;
    proposer_ = from;
    if (!survivor) {
        if (installed()) become_newcomer(self_.incarnation);
        stopped_ = frame.proposal;
        confirmed_ = frame;
        return send(now, from, confirm_frame{frame.proposal}, out);
    }
    proposal_ = frame;
    confirm_if_complete(now, out);
}

void ordered_multicast::confirm_if_complete(instant now, order_output& out) {
    bool complete = true;
    for (const cut_entry& entry : proposal_->cut) {
        const std::size_t slot = slot_of(entry.sender);
        if (slot == nowhere || senders_[slot].received >= entry.timestamp) continue;
        complete = false;
        if (entry.holder != self_.id)
            send(now, entry.holder,
                 fetch_frame{proposal_->proposal, entry.sender, senders_[slot].received, entry.timestamp},
                 out);
    }
    if (!complete && settings_.bug != planted_bug::order_confirms_incomplete) return;
    confirmed_ = proposal_;
    send(now, proposer_, confirm_frame{proposal_->proposal}, out);
}

void ordered_multicast::handle_fetch(instant now, server_id from, const fetch_frame& frame,
                                     order_output& out) {
    const std::size_t slot = slot_of(frame.sender);
    if (stopped_ != frame.proposal || slot == nowhere) return;
    fill_frame fill{frame.proposal, frame.sender, {}};
    std::size_t bytes = 0;
    for (const batch& b : held_.of(slot)) {
        if (b.timestamp <= frame.after || b.timestamp > frame.up_to) continue;
        fill.batches.push_back(b);
        if ((bytes += b.size) >= settings_.part_bytes) break; // the rest is fetched afterwards
    }
    send(now, from, fill, out);
}

void ordered_multicast::handle_fill(instant now, fill_frame frame, order_output& out) {
    const std::size_t slot = slot_of(frame.sender);
    if (!proposal_ || stopped_ != frame.proposal || slot == nowhere) return;
    if (confirmed_ && confirmed_->proposal == frame.proposal) return;
    for (batch& b : frame.batches)
        if (b.previous == senders_[slot].received && b.timestamp > b.previous) accept(slot, std::move(b));
    confirm_if_complete(now, out);
}

// ---- commit, install

void ordered_multicast::handle_commit(instant now, server_id from, const commit_frame& frame,
                                      order_output& out) {
    if (!raise_epoch(frame.epoch)) return send(now, from, stale_frame{epoch_}, out);
    if (installed() && view_ == frame.proposal) return send(now, from, installed_frame{view_}, out);
    const auto& proposal = settings_.bug == planted_bug::order_commits_early ? proposal_ : confirmed_;
    if (!proposal || proposal->proposal != frame.proposal) return;
    proposer_ = from;
    const bool survivor = std::ranges::find(proposal->survivors, self_.id) != proposal->survivors.end();
    if (survivor || proposal->donor == 0) install(now, propose_frame(*proposal), out);
}

void ordered_multicast::install(instant now, const propose_frame& proposal, order_output& out) {
    std::vector<std::uint64_t> limits(senders_.size(), 0);
    for (const cut_entry& entry : proposal.cut) {
        if (const std::size_t slot = slot_of(entry.sender); slot != nowhere) limits[slot] = entry.timestamp;
        clock_ = std::max(clock_, entry.timestamp);
    }
    std::size_t slot = 0;
    while (held_.next([&limits](std::size_t i) { return limits[i]; }, slot) != nullptr)
        deliver(slot, held_.pop(slot), out);

    if (proposal.donor == 0) {
        history_ = proposal.proposal;
        began_us_ = proposal.began_us;
        index_ = 0;
        delivered_.clear();
        out.restore = order_output::restored{history_, began_us_, 0, {}};
    }
    newcomers_.clear();
    donation_.reset();
    if (proposal.donor == self_.id) {
        for (const ring_member& m : proposal.members)
            if (std::ranges::find(proposal.survivors, m.id) == proposal.survivors.end())
                newcomers_.push_back({m.id});
        out.snapshot_wanted = !newcomers_.empty();
    }
    enter(now, proposal, out);
}

void ordered_multicast::enter(instant now, const propose_frame& proposal, order_output& out) {
    take_back_own();
    members_ = proposal.members;
    view_ = proposal.proposal;
    own_slot_ = slot_of(self_.id);
    senders_.assign(members_.size(), {});
    for (sender_state& sender : senders_) sender.holds.assign(members_.size(), 0);
    held_.reset(members_.size(), settings_.bug == planted_bug::order_breaks_ties_locally ? own_slot_ : 0);
    unreported_ = false;
    stopped_.reset();
    proposal_.reset();
    confirmed_.reset();
    out.view = order_output::installed{view_, history_, members_, index_};
    send(now, proposer_, installed_frame{view_}, out);
    if (proposal.donor != 0 && proposal.donor != proposer_)
        send(now, proposal.donor, installed_frame{view_}, out);
}

// Handles frames that came before their view was installed. Not called by `enter`: within one `order_output`
// all deliveries come before the view, and these frames belong to the new one.
void ordered_multicast::take_early(instant now, order_output& out) {
    std::vector<early_frame> frames = std::exchange(early_, {});
    for (early_frame& f : frames) {
        if (f.view < view_) continue;
        if (f.view == view_)
            on_frame(now, f.from, *f.bytes, out);
        else
            early_.push_back(std::move(f));
    }
}

// ---- the state for newcomers

void ordered_multicast::handle_installed(server_id from, const installed_frame& frame) {
    if (frame.view != view_) return;
    std::erase_if(newcomers_, [from](const newcomer& one) { return one.id == from; });
    if (newcomers_.empty()) donation_.reset();
}

void ordered_multicast::provide_snapshot(instant now, std::string snapshot, order_output& out) {
    if (newcomers_.empty()) return;
    const std::uint64_t total = snapshot.size();
    donation_ = state_frame{view_, history_, began_us_, index_, {}, 0, total, std::move(snapshot)};
    if (settings_.bug != planted_bug::order_newcomer_without_table)
        for (const auto& [key, last] : delivered_) donation_->delivered.push_back(last);
    for (newcomer& one : newcomers_) donate(now, one, settings_.part_bytes * settings_.parts_under_way, out);
    donation_due_ = now + settings_.donation_retry;
}

// Sends the parts that were not sent yet, up to byte `up_to` of the snapshot; at least one part.
void ordered_multicast::donate(instant now, newcomer& to, std::uint64_t up_to, order_output& out) {
    do {
        state_frame part{donation_->view,
                         donation_->history,
                         donation_->began_us,
                         donation_->index,
                         {},
                         to.sent,
                         donation_->total,
                         donation_->snapshot.substr(to.sent, settings_.part_bytes)};
        if (to.sent == 0) part.delivered = donation_->delivered;
        to.sent += part.snapshot.size();
        send(now, to.id, part, out);
    } while (to.sent < std::min(up_to, donation_->total));
}

// No newcomer has taken a part for a while. Each gets one part again, and its answer says where to go on.
void ordered_multicast::donate_again(instant now, order_output& out) {
    for (newcomer& one : newcomers_) {
        one.sent = one.taken;
        donate(now, one, 0, out);
    }
    donation_due_ = now + settings_.donation_retry;
}

void ordered_multicast::handle_taken(instant now, server_id from, const taken_frame& frame,
                                     order_output& out) {
    if (!donation_ || frame.view != view_ || frame.bytes > donation_->total) return;
    const auto who = std::ranges::find(newcomers_, from, &newcomer::id);
    if (who == newcomers_.end() || frame.bytes <= who->taken) return;
    who->taken = frame.bytes;
    who->sent = std::max(who->sent, who->taken);
    donation_due_ = now + settings_.donation_retry;
    const std::uint64_t up_to = who->taken + settings_.part_bytes * settings_.parts_under_way;
    if (who->sent < std::min(up_to, donation_->total)) donate(now, *who, up_to, out);
}

void ordered_multicast::handle_state(instant now, server_id from, state_frame frame, order_output& out) {
    if (installed() && view_ == frame.view) return send(now, from, installed_frame{view_}, out);
    if (!confirmed_ || confirmed_->proposal != frame.view || stopped_ != frame.view || installed()) return;
    if (arriving_.view != frame.view) arriving_ = {frame.view, {}, {}};
    if (frame.offset == arriving_.snapshot.size()) { // else a part is missing or repeated
        if (frame.offset == 0) arriving_.delivered = std::move(frame.delivered);
        arriving_.snapshot += frame.snapshot;
    }
    if (arriving_.snapshot.size() < frame.total)
        return send(now, from, taken_frame{frame.view, arriving_.snapshot.size()}, out);

    history_ = frame.history;
    began_us_ = frame.began_us;
    index_ = frame.index;
    delivered_.clear();
    for (const delivered_number& d : arriving_.delivered) delivered_[{d.origin, d.incarnation}] = d;
    out.restore = order_output::restored{history_, began_us_, index_, std::move(arriving_.snapshot)};
    arriving_ = {};
    enter(now, propose_frame(*confirmed_), out);
}

} // namespace stadion::clocksync
