// The RPCs of Dispatcher and their old HTTP names: brings each request to the fleet's worker and its answer
// back.
//
// A server that joins over the wire is tied to its connection: when that is lost the fleet hears of it at
// once. Over HTTP a connection means nothing, so there a server is only as alive as its heartbeats.
#pragma once

#include "dispatcher/service/fleet_service.hpp"
#include "dispatcher/service/view_stream_service.hpp"
#include "net/server/server.hpp"

namespace stadion::dispatcher {

class dispatcher_rpc_service {
public:
    // All of them outlive the server's sessions; the fleet is told of lost connections only while it lives.
    dispatcher_rpc_service(std::shared_ptr<fleet_service> fleet, view_stream_service& views);

    void add_to(net::server& server);

private:
    std::shared_ptr<fleet_service> fleet_;
    view_stream_service& views_;
};

} // namespace stadion::dispatcher
