// Berkeley clock synchronisation (Gusella and Zatti 1989): the leader measures every server's clock, averages
// those that agree, and sends each server its own correction.
//
// A pure state machine, one per server, with one owner. Every server answers probes and accepts corrections;
// the leader also polls. `now` is always this server's own, drifting local clock.
//
// The problem: a round trip shows only that the other clock lies within ± half of it, delays are long-tailed,
// and all clocks drift. A burst of probes gives the minimum delay of each direction separately. The middle of
// the interval they leave is a sample of the offset; half its width is a hard bound of the error. A line
// through the last samples, each weighted by its narrowness, gives offset and rate. The slopes that the
// intervals allow bound the rate's error. Corrections are absolute lines in the receiver's local time, so one
// that arrives late is still right.
//
// The reference is the leader's target line. It follows the average by at most `reference_wander`, and every
// server's bound includes that. So the bounds of servers that were corrected in different rounds add up. A
// new leader adds the bound of its own clock (`inherited_`) to its corrections, until every server of the
// view has taken one.
//
// Without the ring key a probe is answered and its epoch ignored; a correction is refused.
//
// Invariants: |Ci − Cj| ≤ εi + εj for all servers of the view. Nothing under a lower epoch has an effect.
#pragma once

#include "clocksync/clock/clock_samples.hpp"
#include "clocksync/clock/cluster_clock.hpp"
#include "clocksync/ring/types.hpp"

#include <map>
#include <variant>
#include <vector>

namespace stadion::clocksync {

struct berkeley_settings {
    unsigned burst = 16;
    duration probe_timeout = std::chrono::milliseconds(20);
    duration burst_timeout = std::chrono::milliseconds(250);
    duration period_first = std::chrono::milliseconds(100);
    duration period_max = std::chrono::seconds(1); // δ / 2ρ
    unsigned rounds_first = 8; // at period_first; then the period doubles up to period_max
    duration agreement = std::chrono::microseconds(500);    // γ: how close clocks must be to be averaged
    duration half_width_max = std::chrono::milliseconds(5); // wider samples are dropped
    double drift_max = 200e-6;                              // of any server's hardware
    double rate_wander = 1e-6;                              // how much a learned rate may have changed since
    double reference_wander = 5e-6;
    planted_bug bug = planted_bug::none;
};

// Peer.GetClock, with the additional fields that a poll needs.
struct clock_probe {
    epoch_number epoch = 0;
    std::uint64_t round = 0;
    std::uint32_t index = 0;
    ring_key key = 0; // with it, a higher epoch deposes the receiver
};
struct clock_reply {
    epoch_number epoch = 0;
    std::uint64_t round = 0;
    std::uint32_t index = 0;
    instant received{0};     // the answering server's local clock
    instant sent{0};         // the driver may set this as late as it can
    std::int64_t target = 0; // of its cluster clock at `sent`
    double rate = 0;
    duration error{0};
    double drift_bound = 0;
    bool synchronised = false;
    epoch_number corrected = 0;    // the epoch of the last correction it took
    std::uint64_t incarnation = 0; // of the answering server; another has another local clock
};

// What a server answers probes with: a copy that any thread may use.
struct published_clock {
    clock_line line;
    epoch_number epoch = 0;
    epoch_number corrected = 0; // the epoch of the last correction it took
    std::uint64_t incarnation = 0;
    ring_key key = 0;
};
clock_reply answer_probe(const published_clock& published, instant now, const clock_probe& probe);

struct send_probe {
    server_id to;
    clock_probe message;
};
// Peer.AdjustClock. If it is refused with a higher epoch, call on_refused.
struct send_correction {
    server_id to;
    clock_correction message;
    duration offset{0}; // how far behind the receiver's target was; for operators
};
using berkeley_action = std::variant<send_probe, send_correction>;
using berkeley_actions = std::vector<berkeley_action>;

class berkeley {
public:
    berkeley(berkeley_settings settings, ring_member self, cluster_clock clock, ring_key key);
    void set_ring_key(ring_key key) { key_ = key; }

    // As the election decided. Leader 0: nobody leads under this epoch yet.
    berkeley_actions on_leader(instant now, epoch_number epoch, server_id leader);
    berkeley_actions on_view(instant now, const fleet_view& view);
    berkeley_actions on_reply(instant now, server_id from, const clock_reply& reply);
    void on_refused(epoch_number epoch) { note_epoch(epoch); }
    berkeley_actions tick(instant now);

    clock_reply on_probe(instant now, const clock_probe& probe); // notes its epoch; see `answer_probe`
    bool on_correction(instant now, const clock_correction& correction); // false: refuse with clock().epoch()

    instant deadline() const;

    cluster_clock& clock() { return clock_; }
    const cluster_clock& clock() const { return clock_; }
    published_clock published() const {
        return {clock_.line(), clock_.epoch(), corrected_, self_.incarnation, key_};
    }
    bool leads() const { return leader_ == self_.id; }
    std::uint64_t round() const { return round_; }
    // The leader's last measurement of each server: its target less the reference.
    const std::map<server_id, duration>& offsets() const { return offsets_; }

private:
    struct peer {
        peer(ring_member m, double drift_max) : who(m), samples(drift_max) {}

        ring_member who;
        clock_samples samples;
        clock_burst burst;
        clock_reply last;       // the newest reply of this burst
        std::uint32_t sent = 0; // probes of this burst
        instant sent_at{0};
        instant probe_due = never;
        bool done = false;
    };
    struct estimate {
        server_id who = 0;
        std::uint64_t incarnation = 0;
        instant at{0};        // now, in that server's local time
        double offset_ns = 0; // of its target from the reference
        double rate = 0;      // at which its target keeps pace with the reference
        duration bound{0};    // of the measurement
        double drift_bound = 0;
        instant measured{0}; // in its local time
        duration error{0};   // its own published bound
        bool synchronised = false;
    };

    bool is_from_ring(ring_key shown) const;
    bool apply(instant now, const clock_correction& correction);
    void note_epoch(epoch_number epoch);
    void start_round(instant now, berkeley_actions& out);
    void probe(instant now, peer& to, berkeley_actions& out);
    void finish_round(instant now, berkeley_actions& out);
    std::vector<estimate> take_estimates(instant now);
    estimate estimate_of(instant now, const peer& from) const;
    std::vector<estimate> agreeing(std::vector<estimate> voters) const;
    duration move_reference(instant now, const std::vector<estimate>& all);
    void correct(instant now, const estimate& of, duration shift, berkeley_actions& out);
    bool everyone_follows() const;

    berkeley_settings settings_;
    ring_member self_;
    cluster_clock clock_;
    ring_key key_;
    std::vector<ring_member> ring_;
    server_id leader_ = 0;
    epoch_number corrected_ = 0; // of the last correction taken
    unsigned rounds_led_ = 0;

    std::map<server_id, peer> peers_; // to be polled; ordered, so that simulated runs repeat exactly
    std::map<server_id, duration> offsets_;
    std::uint64_t round_ = 0;
    instant next_round_ = never;
    instant burst_end_ = never;
    instant referenced_{0}; // when the reference was last moved
    duration inherited_{0}; // how far the reference may be from the former leader's
    double inherited_drift_ = 0;
    instant inherited_at_{0};
};

} // namespace stadion::clocksync
