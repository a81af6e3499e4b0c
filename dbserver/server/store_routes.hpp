// The routes that only the database server has: Database.Commit, Database.BeginSession, and the store's part
// of /status and /readyz.
#pragma once

#include "dbserver/server/fleet_driver.hpp"
#include "dbserver/server/store_feed.hpp"
#include "dbserver/table/store.hpp"
#include "net/server/server.hpp"

namespace stadion::dbserver {

// A Commit without mutations is answered with the newest sequence.
void add_store_routes(net::server& to, store& from, store_feed& feed,
                      std::shared_ptr<const fleet_driver> fleet);

} // namespace stadion::dbserver
