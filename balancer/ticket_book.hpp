// Promised clients: those that were sent to a front-end and are not counted there yet.
//
// The problem. A front-end's own count reaches the dispatcher once per heartbeat. In between hundreds of
// clients may ask where to go, and all would be sent to the front-end that was emptiest at the last
// heartbeat. So each assignment is recorded here under a ticket and counts as a client of that front-end
// until
//   * a heartbeat lists the ticket as redeemed: the count in the same heartbeat contains that client already,
//     or the client has left again; or
//   * the ticket expires: the client never came.
// Registered + promised is then exact at every moment, however late heartbeats are:
//   * A lost heartbeat changes nothing. A front-end repeats tickets until a heartbeat that had them is
//     answered, and redeeming twice is redeeming once.
//   * A ticket that is shown to another server than it was made for (the client went to its backup) ends the
//     same promise: tickets are looked up by number alone.
//   * Tickets carry the dispatcher's incarnation. One from before a restart stands for no promise.
//
// Tickets are not secret. A client that invents one can end a promise early; the next heartbeat's count is
// right again.
//
// Threading: none. Memory: 16 bytes a ticket, for at most its lifetime.
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
    // `lifetime` is how long a promise is kept: the time that clients are told plus the longest that a
    // heartbeat takes.
    ticket_book(std::uint64_t incarnation, std::chrono::milliseconds lifetime);

    // Promises one client to the server. The ticket reads "<incarnation>-<number>".
    std::string issue(server_id server, time_point now);

    // Ends the ticket's promise. False: there is none (redeemed before, expired, or not of this dispatcher).
    bool redeem(std::string_view ticket);

    // Drops expired promises. Times must not fall from call to call.
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
