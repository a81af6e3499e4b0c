// The writer for callers at this server's own port, who name no epoch. Their writes pass only while this
// server may write. Threading: as store_feed.
#pragma once

#include "dbserver/server/fleet_driver.hpp"
#include "dbserver/server/store_feed.hpp"

namespace stadion::dbserver {

class fenced_feed final : public net::board_writer {
public:
    fenced_feed(store_feed& feed, const fleet_driver& fleet) : feed_(feed), fleet_(fleet) {}

    void write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
               handler done) override {
        auto fine = fleet_.may_commit(0);
        if (fine) return feed_.write(home, std::move(mutation), budget, std::move(done));
        outcome refused;
        refused.result = v1::Outcome::UNAVAILABLE;
        refused.failure = std::move(fine).error();
        done(to_message(refused));
    }

private:
    store_feed& feed_;
    const fleet_driver& fleet_;
};

} // namespace stadion::dbserver
