// Berkeley clock synchronisation (Gusella and Zatti 1989): the leader measures everyone, takes the average of
// those that agree, and tells each server its own correction.
//
// A pure state machine, one per server, on that server's strand; every server answers probes and accepts
// corrections, the leader also polls. `now` is always the server's own (drifting) local clock.
//
// The problem: a round trip says only that the other clock lies within ± half of it, delays are long-tailed,
// and all clocks drift. A burst of probes gives the minimum delay in each direction separately; the middle of
// the interval they leave is a sample, half its width a hard bound. A line fitted through the last samples,
// each weighted by its narrowness, gives offset and rate; the slopes that the intervals allow bound the
// rate's error. Corrections are absolute lines in the server's own local time, so a late one is still right.
//
// The reference is the leader's target line. It follows the average by at most `reference_wander`, which
// every server's bound includes; so bounds of servers corrected in different rounds still add up. A new
// leader hands its own bound on (`inherited_`) until everyone in the view has been corrected by it.
//
// Probes and corrections without the ring's key are a stranger's: the one is answered, the other refused.
//
// Invariants: |Ci − Cj| ≤ εi + εj for all members of the view; nothing of a lower epoch has an effect.
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
    duration period_max = std::chrono::seconds(1);          // δ / 2ρ
    unsigned rounds_first = 8;                              // so many at period_first, then doubling
    duration agreement = std::chrono::microseconds(500);    // γ
    duration half_width_max = std::chrono::milliseconds(5); // of a sample that counts
    double drift_max = 200e-6;                              // of any server's hardware
    double rate_wander = 1e-6;                              // how far a learned rate may have changed since
    double reference_wander = 5e-6;
    planted_bug bug = planted_bug::none;
};

// Peer.GetClock, with the additional fields that a poll needs.
struct clock_probe {
    epoch_number epoch = 0;
    std::uint64_t round = 0;
    std::uint32_t index = 0;
    ring_key key = 0; // with it, a higher epoch ends the leading of whoever is asked
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
    std::uint64_t incarnation = 0; // of the answering server: another one may have another local clock
};

// What a server tells whoever asks for its time: a value that any thread may answer with.
struct clock_face {
    clock_line line;
    epoch_number epoch = 0;
    epoch_number corrected = 0; // the epoch of the last correction it took
    std::uint64_t incarnation = 0;
    ring_key key = 0;
};
clock_reply answer_probe(const clock_face& face, instant now, const clock_probe& probe);

struct send_probe {
    server_id to;
    clock_probe message;
};
// Peer.AdjustClock; a refusal with a higher epoch arrives as on_refused.
struct send_correction {
    server_id to;
    clock_correction message;
    duration offset{0}; // how far the receiver's target was off, for people
};
using berkeley_action = std::variant<send_probe, send_correction>;
using berkeley_actions = std::vector<berkeley_action>;

class berkeley {
public:
    berkeley(berkeley_settings settings, member self, cluster_clock clock, ring_key key);
    void set_ring_key(ring_key key) { key_ = key; }

    // As decided by the election: leader 0 means that nobody leads yet under this epoch.
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
    clock_face face() const { return {clock_.line(), clock_.epoch(), corrected_, self_.incarnation, key_}; }
    bool leads() const { return leader_ == self_.id; }
    std::uint64_t round() const { return round_; }
    // What the leader last measured of each server: its target's distance from the reference.
    const std::map<server_id, duration>& offsets() const { return offsets_; }

private:
    struct peer {
        peer(member m, double drift_max) : who(m), samples(drift_max) {}

        member who;
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
        double offset_ns = 0; // its target less the reference
        double rate = 0;      // that makes its target go with the reference
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
    member self_;
    cluster_clock clock_;
    ring_key key_;
    std::vector<member> ring_;
    server_id leader_ = 0;
    epoch_number corrected_ = 0; // of the last correction taken
    unsigned rounds_led_ = 0;

    std::map<server_id, peer> peers_; // those to poll; ordered, so that runs repeat
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
