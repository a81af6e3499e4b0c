// What a server says to the dispatcher, without I/O: Join, then heartbeats, and Join again whenever the
// dispatcher does not know it any more. membership.hpp drives it.
//
// The problem: the dispatcher may die, forget, refuse or drop this server at any moment, and answers arrive
// late. So a server joins under the id and the incarnation it had, follows the view to notice that it was
// dropped, and never has two requests on their way.
//
// Each event answers what is to be said next and when `on_time` wants to be called.
//
// Threading: none; one owner.
#pragma once

#include "wire/position.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace stadion::net {

struct membership_options {
    std::string dispatcher; // host:port
    std::string kind;
    std::string address; // where others reach this server
    std::uint32_t capacity = 0;
    std::vector<std::string> services;
    std::string token;
};

// What a server tells of itself.
struct membership_report {
    std::uint32_t clients = 0;
    bool serving = false;
    bool draining = false;
    double load = 0;
    wire::position seen;               // the board it has, and how far
    std::vector<std::string> redeemed; // tickets not reported yet; repeated until a heartbeat is answered
};

class membership_protocol {
public:
    enum class saying : std::uint8_t { nothing, join, heartbeat };

    struct next {
        saying what = saying::nothing;
        std::optional<std::chrono::milliseconds> after; // until `on_time`; none: not at all
    };

    membership_protocol(membership_options options, std::uint32_t pid);

    // The connection to the dispatcher is there, or gone.
    next on_link(bool ready);
    next on_joined(const v1::JoinResponse& response);
    next on_join_failed(const wire::error& why);
    // Also where no answer came: only a dispatcher that says so does not know this server.
    next on_heartbeat_answered(bool is_known);
    next on_view(const v1::View& view);
    next on_time();
    // Nothing is said any more.
    void leave() noexcept { leaving_ = true; }

    v1::JoinRequest join(const membership_report& said) const;
    v1::HeartbeatRequest heartbeat(const membership_report& said);
    std::chrono::milliseconds heartbeat_budget() const noexcept { return period_ * 2; }

    bool is_leaving() const noexcept { return leaving_; }
    bool is_joined() const noexcept { return joined_; }
    std::uint32_t server_id() const noexcept { return server_id_; }
    // As the dispatcher gave it at the last Join.
    std::uint64_t ring_key() const noexcept { return ring_key_; }

private:
    const membership_options options_;
    const std::uint32_t pid_;
    std::uint32_t server_id_ = 0;
    std::uint64_t incarnation_ = 0; // as the last view had it
    std::uint64_t ring_key_ = 0;
    std::uint64_t beats_ = 0;
    std::chrono::milliseconds period_{1'000};
    std::chrono::milliseconds pause_{}; // between this heartbeat's answer and the next one
    bool ready_ = false;                // there is a connection
    bool joined_ = false;
    bool beating_ = false; // a heartbeat is on its way
    bool leaving_ = false;
};

} // namespace stadion::net
