// The raffle on a front-end: counts the requests of registered clients, shows the draws.
//
// A client's requests are counted by their correlation ids, in runs, on the worker of its connection; every
// `gather_for` a worker hands over as many runs as the order has room for. The request itself waits for
// nothing; an honest client's run grows while it waits, so that none of it is lost. What a killed
// server has not handed on is not counted, at most that much time's requests; a client that repeats them
// elsewhere under their ids has them counted there.
//
// Offers Raffle.GetRaffle, GET /v1/raffle, GET /v1/raffle/record (the export that `stadion raffle verify`
// checks) and the topic `raffle`. They say since when they count, and of which log: one that began anew when
// every server was lost at once knows nothing of the draws before. Threading: as its parts say; `count` is
// called on the connection's worker.
#pragma once

#include "clocksync/raffle/raffle_driver.hpp"
#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

namespace stadion::frontend {

class raffle_service {
public:
    // `driver` null: the raffle is switched off; it says so.
    raffle_service(net::runtime& threads, std::shared_ptr<clocksync::raffle_driver> driver,
                   std::uint32_t every);
    ~raffle_service();

    // Before the server listens.
    void add_to(net::server& to, net::board_set& boards);

    // From here on the requests of this call's connection are the client's.
    void count(net::call& registration, const std::string& client_id);

    // What the client may number its next request.
    std::uint64_t next_request(std::string_view client_id) const;

private:
    class collector;
    class client_watch;

    void show(net::board_set& boards, const std::vector<clocksync::raffle_draw>& draws);

    std::shared_ptr<clocksync::raffle_driver> driver_;
    const std::uint32_t every_;
    std::vector<std::unique_ptr<collector>> collectors_; // by worker
};

} // namespace stadion::frontend
