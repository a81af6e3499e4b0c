// The database server: the store behind one port. Reads come from each worker's board, writes go through the
// store's journal, and its feed is what every front-end is built from.
//
// An update is answered when it is durable and every worker's board shows it, so that whoever asks
// afterwards, on whatever connection, sees it. Threading: constructed, started and stopped from a thread that
// is not a worker.
#pragma once

#include "dbserver/server/database_options.hpp"
#include "net/loop/runtime.hpp"
#include "wire/result.hpp"

#include <functional>
#include <memory>

namespace stadion::dbserver {

class database_server {
public:
    database_server(net::runtime& threads, database_options options);
    ~database_server();

    // Opens the data, serves, and joins the dispatcher. Answers the address.
    wire::result<std::string> start();

    // Finishes what was accepted, within `hard`, and makes a last checkpoint.
    void stop(std::chrono::milliseconds hard);

    // The dispatcher wants it to stop, or the disk can no longer be trusted: the process should end, and be
    // started anew in the second case. Called on a thread of the server's.
    std::function<void()> on_stop_order;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace stadion::dbserver
