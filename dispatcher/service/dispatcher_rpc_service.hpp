// The RPCs of Dispatcher and their old HTTP names: brings each request to the fleet's worker and its answer
// back.
//
// A server that joins over the wire protocol is tied to its connection: if that is lost the fleet hears of it
// at once. An HTTP connection means nothing, so a server that joins over HTTP lives as long as its heartbeats
// come.
#pragma once

#include "dispatcher/service/fleet_service.hpp"
#include "dispatcher/service/view_stream_service.hpp"
#include "net/server/server.hpp"

namespace stadion::dispatcher {

class dispatcher_rpc_service {
public:
    // `views` and this object outlive the server's sessions. A lost connection is reported only while the
    // fleet lives.
    dispatcher_rpc_service(std::shared_ptr<fleet_service> fleet, view_stream_service& views);

    void add_to(net::server& server);

private:
    std::shared_ptr<fleet_service> fleet_;
    view_stream_service& views_;
};

} // namespace stadion::dispatcher
