// What only the database server answers: Database.Commit, the state of the store.
#pragma once

#include "dbserver/server/fleet_driver.hpp"
#include "dbserver/server/store_feed.hpp"
#include "dbserver/table/store.hpp"
#include "net/server/server.hpp"

namespace stadion::dbserver {

// A Commit of nothing answers how far the board is.
void add_store_routes(net::server& to, store& from, store_feed& feed,
                      std::shared_ptr<const fleet_driver> place);

} // namespace stadion::dbserver
