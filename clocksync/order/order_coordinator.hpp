// The coordinator of a view change: the leader of the epoch makes the fleet's view the order's view.
//
// A pure state machine inside `ordered_multicast`, which carries its frames. The problem: when the ring
// changes, all survivors must have delivered exactly the same messages before they go on. But some frames
// reached only some of them, any of them may die meanwhile, this coordinator too, and a server that was taken
// for dead may be alive. There are three steps, each repeated until everyone in the fleet's view has
// answered:
//
//     stop     →  report     members freeze; they tell what they hold and what they last confirmed
//     propose  →  confirm    members, survivors, cut; missing batches are fetched from holders
//     commit   →  installed  members deliver up to the cut and go on in the new view
//
// Why it is safe: a proposal is committed only when all its survivors have confirmed it. They tell the next
// coordinator, which then keeps that cut. Survivors of consecutive views are nested sets
// (ring_authority.hpp), so a survivor of a committed proposal is always among those asked. This is Paxos with
// "all" as the quorum, and virtual synchrony (Birman and Joseph 1987) as the outcome.
#pragma once

#include "clocksync/order/order_frame.hpp"
#include "clocksync/ring/planted_bug.hpp"

#include <map>
#include <set>

namespace stadion::clocksync {

struct addressed_frame {
    server_id to;
    order_frame frame;
};
using addressed_frames = std::vector<addressed_frame>;

class order_coordinator {
public:
    // `unix_ahead` is the time since the UNIX epoch less this server's `now`.
    order_coordinator(server_id self, duration retry, duration unix_ahead, planted_bug bug)
        : self_(self), retry_(retry), unix_ahead_(unix_ahead), bug_(bug) {}

    addressed_frames lead(instant now, epoch_number epoch);
    void step_down() { phase_ = phase::resting, epoch_ = 0, deadline_ = never; }
    addressed_frames on_ring(instant now, const std::vector<ring_member>& ring);
    addressed_frames on_report(instant now, server_id from, const report_frame& report);
    addressed_frames on_confirm(instant now, server_id from, const confirm_frame& confirm);
    void on_installed(server_id from, const installed_frame& installed);
    addressed_frames tick(instant now);
    instant deadline() const { return deadline_; }

    bool leads() const { return epoch_ != 0; }
    epoch_number epoch() const { return epoch_; }
    bool resting() const { return phase_ == phase::resting; }

private:
    enum class phase { resting, collecting, proposing, committing };

    addressed_frames begin(instant now);
    addressed_frames propose(instant now);
    addressed_frames commit(instant now);
    std::vector<cut_entry> cut_of(const std::vector<server_id>& survivors) const;
    addressed_frames to_missing(const order_frame& frame) const;

    server_id self_;
    duration retry_;
    duration unix_ahead_;
    planted_bug bug_;
    epoch_number epoch_ = 0;
    std::vector<ring_member> ring_;
    phase phase_ = phase::resting;
    view_id proposal_id_;
    std::map<server_id, report_frame> reports_;
    propose_frame proposal_;
    std::set<server_id> answered_; // in this phase
    instant deadline_ = never;
    unsigned retries_ = 0; // in this phase

    static constexpr unsigned retries_max = 5; // of a proposal; then the view change begins anew
};

} // namespace stadion::clocksync
