// Keeps this server in the fleet: joins the dispatcher, sends heartbeats, follows the view, and joins again
// under the same id when the dispatcher comes back.
//
// Threading: one worker; `report` is called on it before every heartbeat. While the dispatcher is away
// nothing stops: the last view stays in force.
#pragma once

#include "net/rpc/link.hpp"
#include "wire/position.hpp"
#include "wire/proto/dispatcher.pb.h"

namespace stadion::net {

struct membership_options {
    std::string dispatcher; // host:port
    std::string kind;
    std::string address; // where others reach this server
    std::uint32_t capacity = 0;
    std::vector<std::string> services;
    std::string token;
};

class membership : public std::enable_shared_from_this<membership> {
public:
    struct report {
        std::uint32_t clients = 0;
        bool serving = false;
        bool draining = false;
        double load = 0;
        wire::position seen;               // the board it has, and how far
        std::vector<std::string> redeemed; // tickets not reported yet; repeated until a heartbeat is answered
    };

    membership(worker& home, membership_options options);

    std::function<report()> on_report;
    std::function<void(const std::vector<std::string>& tickets)> on_reported; // these were taken note of
    std::function<void(std::uint32_t server_id, std::uint64_t epoch)> on_joined;
    std::function<void(const v1::JoinResponse&)> on_welcomed; // the same, with all that was said
    std::function<void(const wire::error&)> on_refused;       // it asks again; called each time
    std::function<void(const v1::HeartbeatResponse&)> on_answer;
    std::function<void(const v1::View&)> on_view;
    std::function<void(v1::HeartbeatResponse::Order)> on_order;

    void start();
    // Sends a heartbeat soon, not only when the period is over: something worth knowing has changed.
    void hurry();
    // Says goodbye and calls `done`, within a second.
    void leave(std::function<void()> done);
    // The same from a thread that is not a worker: returns after `then` has run on `home`.
    void leave_and_wait(const std::function<void()>& then);

    bool is_joined() const noexcept { return joined_; }
    std::uint32_t server_id() const noexcept { return server_id_; }
    std::uint64_t ring_key() const noexcept {
        return ring_key_;
    } // as the dispatcher gave it at the last Join
    const std::shared_ptr<link>& dispatcher_link() noexcept { return link_; }

private:
    struct beat_deadline : deadline {
        membership* owner;
        explicit beat_deadline(membership* of)
            : deadline([](deadline& entry) { static_cast<beat_deadline&>(entry).owner->beat(); }),
              owner(of) {}
    };

    void join();
    void on_joined_reply(const v1::JoinResponse& response);
    void follow_view();
    void take_view(const v1::View& view);
    void beat();

    worker& home_;
    membership_options options_;
    std::shared_ptr<link> link_;
    std::uint32_t server_id_ = 0;
    std::uint64_t incarnation_ = 0; // as the last view had it
    std::uint64_t ring_key_ = 0;
    std::uint64_t beats_ = 0;
    std::chrono::milliseconds period_{1'000};
    beat_deadline beat_{this};
    bool joined_ = false;
    bool following_ = false; // the view, on this connection
    bool beating_ = false;   // a heartbeat is on its way
    bool hurried_ = false;
    bool leaving_ = false;
};

} // namespace stadion::net
