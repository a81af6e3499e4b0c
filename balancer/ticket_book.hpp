// Promised clients: those sent to a front-end that have not been counted there yet.
//
// The problem. A front-end's own count reaches the dispatcher once per heartbeat. In between, hundreds of
// clients may ask where to go, and all would be sent to whoever was emptiest at the last heartbeat. So each
// assignment is written down here under a ticket and counts as a client of that front-end until
//   * a heartbeat lists the ticket as redeemed: the count in the same heartbeat contains that client
//     already (or the client is gone again), so from here on it counts there, and only there; or
//   * it expires: the client never came.
// Registered + promised is then exact at every moment, however late heartbeats are:
//   * A lost heartbeat changes nothing; the next one lists its tickets again, because a front-end repeats
//     tickets until a heartbeat that had them was answered. Redeeming twice is redeeming once.
//   * A ticket shown to another server than it was made for (the client went to its backup) ends the same
//     promise: tickets are looked up by number alone.
//   * Tickets carry the dispatcher's incarnation; one from before a restart is nobody's promise now.
//
// A ticket protects nothing: who invents one gives back a promise, and the next heartbeat has the count
// right.
//
// Threading: none. Memory: 16 bytes a ticket for at most the lifetime of a ticket.
#pragma once

#include "balancer/member.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace stadion::balancer {

class ticket_book {
public:
    // `lifetime` is how long a promise is kept: longer than clients are told, by as long as a heartbeat may
    // take.
    ticket_book(std::uint64_t incarnation, std::chrono::milliseconds lifetime);

    // Promises one client to the server. The ticket reads "<incarnation>-<number>".
    std::string issue(server_id server, time_point now);

    // Ends the ticket's promise. False if there is none: redeemed before, expired, or not ours.
    bool redeem(std::string_view ticket);

    // Drops what has expired. Calls must come with times that do not fall.
    void expire(time_point now);

    std::uint32_t promised(server_id server) const;

private:
    struct entry {
        server_id server = server_id::none; // none once the promise has ended
        time_point expires;
    };
    void release(entry& promise);

    std::uint64_t incarnation_;
    std::chrono::milliseconds lifetime_;
    std::deque<entry> entries_; // tickets first_number_, first_number_ + 1, …; expiry rises
    std::uint64_t first_number_ = 1;
    std::map<server_id, std::uint32_t> promised_;
};

} // namespace stadion::balancer
