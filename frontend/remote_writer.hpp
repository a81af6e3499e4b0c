// Writes of a front-end: passes them to the database server, exactly once.
//
// Every write carries an idempotency key, the caller's or one made here, so that a write whose answer was
// lost with its connection is sent again under the same key until it is answered or its budget is spent.
// While the database server is away a write waits for it a moment (it may just be restarting), then fails
// UNAVAILABLE. Threading: one link per worker; `write` is called on it.
#pragma once

#include "net/board_writer.hpp"
#include "net/link.hpp"

namespace stadion::frontend {

class remote_writer final : public net::board_writer {
public:
    remote_writer(net::runtime& threads, const std::string& token);

    // Any thread.
    void follow(const std::string& address);
    void close();

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override;

private:
    struct attempt;
    void send(std::shared_ptr<attempt> one);
    void retry_later(std::shared_ptr<attempt> one, std::chrono::milliseconds pause);

    net::runtime& threads_;
    std::vector<std::shared_ptr<net::link>> links_; // by worker
};

} // namespace stadion::frontend
