// Writes of a front-end: passes them to the database server, exactly once.
//
// A write whose answer was lost with its connection is sent again until it is answered or its budget is
// spent. So that it counts once, it has the caller's idempotency key, or else a number in a session that is
// begun with the database server: each request says which is the lowest number still open, so that what was
// answered is forgotten there (dbserver/table/write_sessions.hpp). A session that the database server does
// not know never had an effect there; what was sent in it is sent again in a new one.
//
// While the database server is away a write waits for it a moment (it may just be restarting), then fails
// UNAVAILABLE. Threading: one link and one session per worker; `write` is called on it. Bounds: at most
// numbered_writes::window writes without a key at a time on each; beyond, they are refused and told to come
// again.
#pragma once

#include "net/board/board_writer.hpp"
#include "net/rpc/link.hpp"

namespace stadion::frontend {

class remote_writer final : public net::board_writer {
public:
    remote_writer(net::runtime& threads, const std::string& token);
    ~remote_writer() override;

    // Any thread. Writes go there as to the writer of that epoch, and are refused by any other; 0: by none.
    void follow(const std::string& address, std::uint64_t epoch);
    void close();

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override;

private:
    struct attempt;
    struct lane;
    using attempt_ptr = std::shared_ptr<attempt>;

    lane& lane_of(const attempt& one);
    void begin(attempt_ptr one);
    void begin_session(lane& in);
    void on_session(lane& in, wire::result<net::link::reply> outcome);
    void send(attempt_ptr one);
    void on_answer(const attempt_ptr& one, v1::Outcome answer);
    void on_failure(const attempt_ptr& one, wire::error failure);
    void send_anew(const attempt_ptr& one);
    void retry_later(attempt_ptr one, std::chrono::milliseconds pause);
    void end(const attempt_ptr& one, v1::Outcome answer);

    std::atomic<std::uint64_t> writer_epoch_{0};
    std::vector<std::shared_ptr<lane>> lanes_; // by worker
};

} // namespace stadion::frontend
