// Which database server writes for the fleet, and under which epoch. There is one at a time.
//
// The problem: front-ends follow the database server they are shown. Were a second one on another folder
// taken in, what had been acknowledged would be gone. So the seat belongs to a board (wire/position.hpp),
// and:
//
//   * a server with the same board takes over at once: it holds the folder's lock, so the one before is dead;
//   * one with another board is refused while the seat is taken; and after that, until it is clear that this
//   is
//     meant - the one before has said goodbye, or the new one is a child that this dispatcher has started in
//     its place, or nobody has come for `replace_after`. What an operator does on purpose he may have to wait
//     for; what happens by accident shows itself in that time.
//
// Whoever takes the seat gets a higher epoch than all before, except one that only comes back. What was sent
// to the writer of another epoch is refused by every database server.
//
// The seat also knows how far its board has been seen, by anybody in the fleet: a store that comes back with
// less has gone back without noticing.
//
// Pure: time comes in. Threading: one owner.
#pragma once

#include "balancer/member.hpp"
#include "wire/position.hpp"
#include "wire/result.hpp"

namespace stadion::dispatcher {

// What is remembered, in dispatcher.json. `epoch` 0: there was never one.
struct writer_record {
    std::uint32_t server_id = 0;
    std::uint64_t epoch = 0;
    std::uint64_t board = 0;
    std::uint64_t sequence = 0; // the newest commit that was seen

    bool operator==(const writer_record&) const = default;
};

class writer_seat {
public:
    static constexpr std::chrono::seconds replace_after{30};

    writer_seat(writer_record known, balancer::time_point now) : record_(known), empty_since_(now) {}

    // FAILED_PRECONDITION, naming who writes or how long to wait. `is_child`: this dispatcher has started it.
    wire::result<void> may_enter(std::uint64_t board, bool is_child, balancer::time_point now) const;

    // It has joined as `server_id`. Answers how far its board has been seen.
    std::uint64_t take(std::uint32_t server_id, const wire::position& has);

    // It is no longer in the fleet. Others' departures are ignored.
    void gone(std::uint32_t server_id, bool said_goodbye, balancer::time_point now);

    // What any server has of the board, by its heartbeat.
    void heard(std::uint32_t server_id, const wire::position& has);

    bool is_taken() const noexcept { return taken_; }
    bool is_writer(std::uint32_t server_id) const noexcept {
        return taken_ && record_.server_id == server_id;
    }
    const writer_record& record() const noexcept { return record_; }

private:
    writer_record record_;
    bool taken_ = false;
    bool retired_ = false; // the last one has said goodbye
    balancer::time_point empty_since_;
};

} // namespace stadion::dispatcher
