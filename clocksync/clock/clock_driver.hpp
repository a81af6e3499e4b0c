// The cluster clock of one server: runs `berkeley` on a worker, and keeps the clock that all threads read.
// Serves Peer.GetClock and AdjustClock, and GET /getClock.
//
// A probe is answered on the worker of its connection. If it waited for another thread, the leader would
// measure that thread's delay too.
//
// Threading: `add_to` before the server listens; `now`, `read_at` and `stamp_us` on any thread; the rest on
// the worker. Lifetime: shared, because calls outlive a round of the loop; `close` ends it. Bounds: a round
// has `burst` probes a peer.
#pragma once

#include "clocksync/clock/berkeley.hpp"
#include "clocksync/clock/local_clock.hpp"
#include "net/rpc/peer_links.hpp"
#include "net/server/server.hpp"
#include "wire/proto/peer.pb.h"

#include <mutex>

namespace stadion::clocksync {

struct clock_driver_options {
    bool enabled = true; // else the cluster's time is the system time
    double drift_ppm = 0;
    berkeley_settings machine;
    clock_settings clock;
};

// For /status, /metrics and GetClock.
struct clock_summary {
    std::string state; // LOCAL without a cluster clock, else as `clock_state`
    std::int64_t time_us = 0;
    duration error{0};  // bound of the error of `time_us`
    duration offset{0}; // how far ahead the last correction found this server
    double rate = 0;    // cluster seconds per local second, less 1
    epoch_number epoch = 0;
    std::uint64_t rounds = 0;             // led by this server
    std::map<server_id, duration> others; // the others' offsets, if this server leads
};

class clock_driver : public std::enable_shared_from_this<clock_driver> {
public:
    clock_driver(net::worker& home, net::peer_links& peers, clock_driver_options options);

    void add_to(net::server& server);

    void set_ring_key(ring_key key);
    // If the view does not list this server, or lists it as another incarnation, its clock is unsynchronised
    // until the next correction.
    void on_view(server_id self, const fleet_view& view);
    void on_leader(epoch_number epoch, server_id leader);
    void close();

    clock_summary now() const;
    // The cluster's time at an instant of CLOCK_MONOTONIC, to compare servers of one machine. Nothing before
    // the first view.
    struct reading {
        std::int64_t time_ns;
        duration error;
        clock_state state;
    };
    std::optional<reading> read_at(instant monotonic) const;
    // The time stamp of an event that happens now, in µs since the UNIX epoch. It is the system clock until
    // this server's first correction, and the cluster clock from then on, also while that is unsure or out of
    // the fleet: the system clock may differ from it and may be set. It never falls.
    std::int64_t stamp_us() const;

private:
    void become(ring_member self);
    v1::GetClockResponse answer(const v1::GetClockRequest& request);
    std::optional<published_clock> published() const;
    wire::result<v1::AdjustClockResponse> adjust(const v1::AdjustClockRequest& request);
    void perform(const berkeley_actions& actions);
    void send(const send_probe& what);
    void send(const send_correction& what);
    void arm();
    void publish();

    net::worker& home_;
    net::peer_links& peers_;
    clock_driver_options options_;
    ring_key key_ = 0;
    const local_clock local_;
    std::optional<berkeley> machine_;
    ring_member self_;
    epoch_number epoch_ = 0; // of the last leader heard of
    server_id leader_ = 0;
    duration offset_{0};
    net::asio::steady_timer timer_;
    instant armed_ = never;
    bool closed_ = false;

    mutable std::mutex published_mutex_; // held for a copy; it guards what follows, which any thread reads
    std::optional<published_clock> published_;
    duration shown_offset_{0};
    std::uint64_t rounds_ = 0;
    std::map<server_id, duration> others_;
    mutable std::int64_t last_stamp_us_ = 0;
};

} // namespace stadion::clocksync
