// Which database server may write for the fleet, and under which epoch. There is one at a time.
//
// The problem: front-ends follow the database server that they are shown. If a second one on another folder
// were admitted, what had been acknowledged would be gone. So the right to write belongs to a board
// (wire/position.hpp):
//
//   * A server with the same board takes over at once. It holds the folder's lock, so the writer before is
//     dead.
//   * A server with another board is refused while there is a writer. Afterwards it is admitted only if that
//     is clearly meant: the writer before has left in order, or the new server is a child that this
//     dispatcher started in its place, or no writer has come for `replace_after`. An operator who replaces a
//     board on purpose may have to wait that long; a mistake is noticed in that time.
//
// A new writer gets a higher epoch than all before; a writer that only comes back keeps its epoch. Every
// database server refuses a commit that was sent under another epoch than its own
// (dbserver/server/write_grant).
//
// The authority also knows the newest commit of its board that any server of the fleet has seen. A store that
// comes back with fewer has lost commits without noticing.
//
// Pure: time comes in. Threading: one owner.
#pragma once

#include "balancer/member.hpp"
#include "wire/position.hpp"
#include "wire/result.hpp"

namespace stadion::dispatcher {

// What is kept in dispatcher.json. `epoch` 0: there was never a writer.
struct writer_record {
    std::uint32_t server_id = 0;
    std::uint64_t epoch = 0;
    std::uint64_t board = 0;
    std::uint64_t sequence = 0; // the newest commit that any server has seen

    bool operator==(const writer_record&) const = default;
};

class writer_authority {
public:
    static constexpr std::chrono::seconds replace_after{30};

    writer_authority(writer_record known, balancer::time_point now) : record_(known), vacant_since_(now) {}

    // FAILED_PRECONDITION, naming the writer or how long to wait. `is_child`: this dispatcher has started the
    // server.
    wire::result<void> may_join(std::uint64_t board, bool is_child, balancer::time_point now) const;

    // The server has joined as `server_id` and becomes the writer. Returns the newest commit of its board
    // that was seen.
    std::uint64_t grant(std::uint32_t server_id, const wire::position& has);

    // The server is no longer in the fleet. Ignored if it is not the writer.
    void departed(std::uint32_t server_id, bool said_goodbye, balancer::time_point now);

    // The board and newest commit of any server, from its heartbeat.
    void note_position(std::uint32_t server_id, const wire::position& has);

    bool has_writer() const noexcept { return has_writer_; }
    bool is_writer(std::uint32_t server_id) const noexcept {
        return has_writer_ && record_.server_id == server_id;
    }
    const writer_record& record() const noexcept { return record_; }

private:
    writer_record record_;
    bool has_writer_ = false;
    bool left_ = false; // the last writer left in order
    balancer::time_point vacant_since_;
};

} // namespace stadion::dispatcher
