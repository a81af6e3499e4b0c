// The cluster clock of one server: Berkeley's machine on a worker, with sockets and time, and the clock that
// all threads read. Serves Peer.GetClock and AdjustClock, and GET /getClock.
//
// Whoever asks for the time is answered on the worker of its connection: a probe that waited for another
// thread would measure that thread.
//
// Threading: `add_to` before the server listens; `now` and `stamp_us` on any thread; the rest on the worker.
// Lifetime: shared, because calls outlive a turn; `close` ends it. Bounds: a round has `burst` probes a peer.
#pragma once

#include "clocksync/clock/berkeley.hpp"
#include "clocksync/clock/local_clock.hpp"
#include "net/rpc/peer_links.hpp"
#include "net/server/server.hpp"
#include "wire/proto/peer.pb.h"

#include <mutex>

namespace stadion::clocksync {

struct clock_driver_options {
    bool enabled = true; // else the cluster's time is this machine's system time
    double drift_ppm = 0;
    berkeley_settings machine;
    clock_settings clock;
};

// What an operator sees.
struct clock_picture {
    std::string state; // LOCAL, or as `clock_state`
    std::int64_t time_us = 0;
    duration error{0};  // bound of what `time_us` may be wrong by
    duration offset{0}; // how far ahead the last correction found this server
    double rate = 0;    // cluster seconds per local second, less 1
    epoch_number epoch = 0;
    std::uint64_t rounds = 0;             // that this server led
    std::map<server_id, duration> others; // their offsets, where this server leads
};

class clock_driver : public std::enable_shared_from_this<clock_driver> {
public:
    clock_driver(net::worker& home, net::peer_links& peers, clock_driver_options options);

    void add_to(net::server& server);

    void set_ring_key(ring_key key);
    // A view that no longer lists this server, or lists it as another incarnation, makes its time its own.
    void on_view(server_id self, const fleet_view& view);
    void on_leader(epoch_number epoch, server_id leader);
    void close();

    clock_picture now() const;
    // The cluster's time at an instant of CLOCK_MONOTONIC, for measuring servers of one machine against each
    // other; nothing before the first view.
    struct reading {
        std::int64_t time_ns;
        duration error;
        clock_state state;
    };
    std::optional<reading> read_at(instant monotonic) const;
    // What an event of this moment is stamped with, in µs since the UNIX epoch. From this server's first
    // correction on it is the cluster clock, which goes on when it is unsure or out of the fleet: the system
    // clock may differ from it and may be set. Before that it is the system clock. It never falls.
    std::int64_t stamp_us() const;

private:
    void become(member self);
    v1::GetClockResponse answer(const v1::GetClockRequest& request);
    std::optional<clock_face> face() const;
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
    member self_;
    epoch_number epoch_ = 0; // of the last leader heard of
    server_id leader_ = 0;
    duration offset_{0};
    net::asio::steady_timer timer_;
    instant armed_ = never;
    bool closed_ = false;

    mutable std::mutex face_mutex_; // held for a copy: what follows is what all threads read
    std::optional<clock_face> face_;
    duration shown_offset_{0};
    std::uint64_t rounds_ = 0;
    std::map<server_id, duration> others_;
    mutable std::int64_t last_stamp_us_ = 0;
};

} // namespace stadion::clocksync
