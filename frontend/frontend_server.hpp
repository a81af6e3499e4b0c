// A front-end: what clients talk to. Answers reads from its own boards, pushes what happens, passes writes
// on.
//
// It outlives its neighbours: while the dispatcher is away it keeps its clients, while the database server is
// away it keeps answering reads. Threading: constructed, started and stopped from a thread that is not a
// worker.
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

    // Serves, joins the dispatcher, and begins to fill its boards. Answers the address.
    wire::result<std::string> start();

    // Sends its clients elsewhere, finishes what was accepted, within `hard`.
    void stop(std::chrono::milliseconds hard);

    // The dispatcher wants it to stop. Called on a worker.
    std::function<void()> on_stop_order;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace stadion::frontend
