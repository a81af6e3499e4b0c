// The writes of callers who go by no view - people and programs at this server's own port - pass only while
// this server is the one that writes. Threading: that of the feed.
#pragma once

#include "dbserver/server/fleet_driver.hpp"
#include "dbserver/server/store_feed.hpp"

namespace stadion::dbserver {

class fenced_feed final : public net::board_writer {
public:
    fenced_feed(store_feed& feed, const fleet_driver& place) : feed_(feed), place_(place) {}

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override {
        auto fine = place_.may_commit(0);
        if (fine) return feed_.write(home, std::move(mutation), budget, std::move(done));
        outcome refused;
        refused.result = v1::Outcome::UNAVAILABLE;
        refused.failure = std::move(fine).error();
        done(to_message(refused));
    }

private:
    store_feed& feed_;
    const fleet_driver& place_;
};

} // namespace stadion::dbserver
