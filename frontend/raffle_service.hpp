// The raffle on a front-end: counts the requests of registered clients and publishes the draws.
//
// A client's requests are counted on the worker of its connection, as runs of correlation ids. Every 20 ms a
// worker hands over as many runs as the order has room for; the others grow until the next time. No request
// waits for that. When this server is killed, the requests that it has not handed over are not counted. A
// client that repeats them at another server under the same ids has them counted there.
//
// Offers Raffle.GetRaffle, GET /v1/raffle, GET /v1/raffle/record (the export that `stadion raffle verify`
// checks) and the topic `raffle`. The answers say since when requests are counted and in which log. A log
// that began anew, because every server was lost at once, does not contain the draws before. Threading:
// `count` on the connection's worker, `next_request` on any thread, the rest before the server listens.
#pragma once

#include "clocksync/raffle/raffle_driver.hpp"
#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

namespace stadion::frontend {

class raffle_service {
public:
    // `driver` null: the raffle is switched off, and the answers say so.
    raffle_service(net::runtime& threads, std::shared_ptr<clocksync::raffle_driver> driver,
                   std::uint32_t every);
    ~raffle_service();

    // Before the server listens.
    void add_to(net::server& to, net::board_set& boards);

    // From now on the requests on this call's connection count for the client.
    void count(net::call& registration, const std::string& client_id);

    // The lowest id that the client may give its next request.
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
