// A connection to every other member of a fleet, by server id: kept in step with the view, each reconnecting
// by itself. What the strands talk over.
//
// Calls to one peer leave in the order they were made and arrive in that order, as long as its connection
// holds; `on_up` says that a new one begins, `on_down` that one ended.
// Threading: everything on the worker given. Bounds: those of `link`.
#pragma once

#include "net/rpc/link.hpp"

#include <map>

namespace stadion::net {

class peer_links {
public:
    peer_links(worker& home, std::string node, std::string token);
    ~peer_links();

    std::function<void(std::uint32_t server_id)> on_up;
    std::function<void(std::uint32_t server_id)> on_down;

    // The peers there are now, and where. One that moved gets a new connection; one that is gone loses its.
    void follow(const std::map<std::uint32_t, std::string>& addresses);
    void close() { follow({}); }

    // To a peer that is none, `on_reply` hears UNAVAILABLE.
    void call(std::uint32_t server_id, std::uint16_t method, std::string_view body, const call_options& how,
              link::reply_handler on_reply);

    // Empty when there is no such peer.
    std::string address_of(std::uint32_t server_id) const;

private:
    struct peer {
        std::string address;
        std::shared_ptr<link> connection;
        bool up = false;
    };

    void open(std::uint32_t server_id, const std::string& address);
    void changed(std::uint32_t server_id, bool ready);

    worker& home_;
    link_options options_;
    std::map<std::uint32_t, peer> peers_;
};

} // namespace stadion::net
