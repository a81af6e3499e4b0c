// Keeps this server in the fleet: joins the dispatcher, sends heartbeats, follows the view, and joins again
// under the same id when the dispatcher comes back. What is said when is decided by membership_protocol.hpp.
//
// Threading: one worker; `on_report` is called on it before every Join and heartbeat. While the dispatcher is
// away nothing stops: the last view stays in force.
#pragma once

#include "net/rpc/link.hpp"
#include "net/server/membership_protocol.hpp"

namespace stadion::net {

class membership : public std::enable_shared_from_this<membership> {
public:
    using report = membership_report;

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
    // Says goodbye and calls `done`, within a second.
    void leave(std::function<void()> done);
    // The same from a thread that is not a worker: returns after `then` has run on `home`.
    void leave_and_wait(const std::function<void()>& then);

    std::uint32_t server_id() const noexcept { return protocol_.server_id(); }
    std::uint64_t ring_key() const noexcept { return protocol_.ring_key(); }
    const std::shared_ptr<link>& dispatcher_link() noexcept { return link_; }

private:
    void perform(membership_protocol::next next);
    void on_time() { perform(protocol_.on_time()); }
    void join();
    void on_joined_reply(const v1::JoinResponse& response);
    void follow_view();
    void take_view(const v1::View& view);
    void beat();

    worker& home_;
    const std::string dispatcher_;
    std::shared_ptr<link> link_;
    membership_protocol protocol_;
    member_deadline<membership, &membership::on_time> timer_{*this};
    bool following_ = false; // the view, on this connection
};

} // namespace stadion::net
