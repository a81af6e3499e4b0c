// The front-end, which clients talk to. It answers reads from its own boards, pushes events, and passes
// writes on to the database server.
//
// While the dispatcher is away it keeps its clients. While the database server is away it keeps answering
// reads. Threading: constructed, started and stopped by a thread that is not a worker.
#pragma once

#include "frontend/frontend_options.hpp"
#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

#include <functional>
#include <memory>

namespace stadion::frontend {

class frontend_server {
public:
    frontend_server(net::runtime& threads, frontend_options options);
    ~frontend_server();

    // Listens, joins the dispatcher, and begins to fill its boards. Returns the address.
    wire::result<std::string> start();

    // Tells its clients to go elsewhere, and finishes accepted requests within `hard`.
    void stop(std::chrono::milliseconds hard);

    // The dispatcher ordered this server to stop. Called on a worker.
    std::function<void()> on_stop_order;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace stadion::frontend
