// A front-end's writer: passes writes on to the database server, exactly once.
//
// When a connection is lost before the answer, the write is sent again until it is answered or its budget is
// spent. It counts once, because it has either the caller's idempotency key or a number in a write session of
// the database server (dbserver/table/write_sessions.hpp). Each request carries the lowest number that is
// still open, so that the database server forgets the lower ones. When the database server does not know the
// session, nothing of it was applied, and the write is sent in a new session.
//
// While the database server is away a write waits for a short time, because it may be restarting. Then it
// fails with UNAVAILABLE. Threading: each worker has a link and a session of its own; `write` is called on
// the worker. Bound: at most numbered_writes::window writes without a key per worker; further ones are
// refused and may be retried.
#pragma once

#include "net/board/board_writer.hpp"
#include "net/rpc/link.hpp"

namespace stadion::frontend {

class remote_writer final : public net::board_writer {
public:
    remote_writer(net::runtime& threads, const std::string& token);
    ~remote_writer() override;

    // Any thread. Writes are sent to `address` and name `epoch`; a writer of another epoch refuses them. 0:
    // none.
    void follow(const std::string& address, std::uint64_t epoch);
    void close();

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override;

private:
    struct pending_write;
    struct worker_state;
    using write_ptr = std::shared_ptr<pending_write>;

    worker_state& state_of(const pending_write& one);
    void give_number(write_ptr one);
    void begin_session(worker_state& in);
    void on_session(worker_state& in, wire::result<net::link::reply> outcome);
    void send(write_ptr one);
    void on_answer(const write_ptr& one, v1::Outcome answer);
    void on_failure(const write_ptr& one, wire::error failure);
    void send_in_new_session(const write_ptr& one);
    void retry_later(write_ptr one, std::chrono::milliseconds pause);
    void end(const write_ptr& one, v1::Outcome answer);

    std::atomic<std::uint64_t> writer_epoch_{0};
    std::vector<std::shared_ptr<worker_state>> per_worker_; // by worker
};

} // namespace stadion::frontend
