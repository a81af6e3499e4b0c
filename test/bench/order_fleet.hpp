// A fleet in one process for the order's figures: every member has a thread, a port and links of its own, as
// a server has; frames go over loopback TCP in Peer.Order. Election, membership and lock are the machines
// that production runs; their few messages are posted from thread to thread.
#pragma once

#include "clocksync/election/election.hpp"
#include "clocksync/order/order_driver.hpp"
#include "clocksync/ring/ring_authority.hpp"
#include "net/rpc/link.hpp"
#include "net/server/server.hpp"

#include <mutex>

namespace stadion::bench {

class fleet;

class fleet_member : public std::enable_shared_from_this<fleet_member> {
public:
    using delivery_handler = std::function<void(fleet_member&, const clocksync::order_output::delivered&)>;

    fleet_member(fleet& of, delivery_handler on_delivery);
    ~fleet_member();

    // All but these only on the member's own worker.
    net::worker& home() { return threads_.at(0); }
    const std::string& address() const { return address_; }
    void kill(); // as kill -9 does it: nothing more is sent, its sockets close; not on a worker
    std::uint64_t index() const { return order_ ? order_->now().index.load() : 0; }

    void admit(clocksync::ring_member self, const clocksync::fleet_view& view,
               const std::map<clocksync::server_id, std::string>& addresses);
    void on_view(const clocksync::fleet_view& view,
                 const std::map<clocksync::server_id, std::string>& addresses);
    void
    elect(const std::function<clocksync::election_actions(clocksync::election&, clocksync::instant)>& event);

    clocksync::order_driver& order() { return *order_; }
    clocksync::server_id id() const { return self_.id; }
    bool leads() const { return election_ && election_->leads(); }
    std::function<void()> on_room;
    std::function<void(std::uint64_t index)> on_restore;
    std::function<void()> on_installed;

private:
    void perform(const clocksync::election_actions& actions);
    void arm();
    void reach(const clocksync::fleet_view& view,
               const std::map<clocksync::server_id, std::string>& addresses);
    void send(clocksync::server_id to, const std::string& frames);

    fleet& fleet_;
    delivery_handler on_delivery_;
    net::runtime threads_{1};
    std::unique_ptr<net::server> server_;
    std::string address_;
    clocksync::ring_member self_;
    std::unique_ptr<clocksync::election> election_;
    std::shared_ptr<clocksync::order_driver> order_;
    std::map<clocksync::server_id, std::shared_ptr<net::link>> links_;
    std::unique_ptr<net::asio::steady_timer> timer_;
    bool dead_ = false;   // on the worker
    bool killed_ = false; // off it
};

class fleet {
public:
    explicit fleet(unsigned members, fleet_member::delivery_handler on_delivery);
    ~fleet();

    // Not on a worker.
    std::shared_ptr<fleet_member> add();
    void kill(const std::shared_ptr<fleet_member>& one);
    std::vector<std::shared_ptr<fleet_member>> members();
    bool settled(); // all members are in one view of all of them

    // Any thread: runs on the dispatcher's or on a member's worker.
    void ask(clocksync::server_id who, clocksync::election_reason reason);
    void release(clocksync::server_id who, clocksync::epoch_number epoch, clocksync::server_id leader);
    void tell(clocksync::server_id whom, std::function<void(fleet_member&)> what);

private:
    void show();
    clocksync::fleet_view view() const;

    fleet_member::delivery_handler on_delivery_;
    std::mutex mutex_;
    std::map<clocksync::server_id, std::shared_ptr<fleet_member>> by_id_; // guarded by mutex_
    net::runtime dispatcher_{1};
    clocksync::ring_authority authority_; // these three on the dispatcher's worker
    std::unique_ptr<clocksync::election_lock> lock_;
    std::map<clocksync::server_id, std::string> addresses_;
};

} // namespace stadion::bench
