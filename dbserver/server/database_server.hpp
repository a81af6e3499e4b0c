// The database server: the store behind one port. Reads are answered from each worker's board. Writes go
// through the store's journal. Every front-end's board is built from the store's feed.
//
// An update is answered when it is durable and every worker's board shows it. So a later read sees it, on
// whatever connection. Threading: constructed, started and stopped by a thread that is not a worker.
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

    // Opens the data, listens, and joins the dispatcher. Returns the address.
    wire::result<std::string> start();

    // Finishes accepted requests within `hard` and makes a last checkpoint.
    void stop(std::chrono::milliseconds hard);

    // The process should end: the dispatcher ordered it, or the store is poisoned and must be opened again.
    // Called on a worker or on the journal thread.
    std::function<void()> on_stop_order;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace stadion::dbserver
