// Accepts connections on one address and gives each to the worker with the fewest connections.
//
// When the process has no descriptor left (EMFILE, ENFILE), the listener neither spins nor stops. It holds
// one descriptor in reserve, which it gives up to accept the waiting connection and close it at once, so that
// the caller gets an answer and does not hang. Threading: runs on worker 0; `on_connection` is called on the
// connection's worker.
#pragma once

#include "net/tcp/connection.hpp"
#include "wire/result.hpp"

namespace stadion::net {

class listener {
public:
    using handler = std::function<void(std::shared_ptr<connection>)>;

    listener(runtime& threads, connection_limits limits, handler on_connection);
    ~listener();

    // Binds the address; port 0 means any free port. UNAVAILABLE, with advice, when it is in use or not an
    // address of this machine.
    wire::result<tcp::endpoint> bind(const std::string& host, std::uint16_t port);

    // Begins to accept. Connections made since `bind` wait in the backlog until then.
    void start();

    // Stops accepting. Called on worker 0, or while no worker runs.
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

// Whether a server could listen there now. A host name, and port 0, count as free.
bool is_address_free(const std::string& address);

} // namespace stadion::net
