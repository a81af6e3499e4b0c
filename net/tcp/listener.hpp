// Accepts on one address and hands each connection to the worker that has the fewest.
//
// Out of descriptors (EMFILE, ENFILE) it neither spins nor dies: one descriptor is held in reserve, given up
// to accept and close the waiting connection at once, so that the caller hears of it instead of hanging.
// Threading: runs on worker 0; `on_connection` is called on the connection's worker.
#pragma once

#include "net/tcp/connection.hpp"
#include "wire/result.hpp"

namespace stadion::net {

class listener {
public:
    using handler = std::function<void(std::shared_ptr<connection>)>;

    listener(runtime& threads, connection_limits limits, handler on_connection);
    ~listener();

    // Takes the address; port 0 takes a free one. UNAVAILABLE, saying what to do, when it is taken or not
    // ours.
    wire::result<tcp::endpoint> bind(const std::string& host, std::uint16_t port);

    // Begins to accept. Callers who came since `bind` have waited.
    void start();

    // Accepts nothing more. On worker 0, or while no worker runs.
    void close();

private:
    void accept();
    void give_up_reserve();

    runtime& threads_;
    connection_limits limits_;
    handler on_connection_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    int reserve_ = -1;
};

// Whether a server could listen there now; a host that is not a number, and port 0, count as free.
bool is_address_free(const std::string& address);

} // namespace stadion::net
