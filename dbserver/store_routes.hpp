// What only the database server answers: Database.Commit, the state of the store.
#pragma once

#include "dbserver/store.hpp"
#include "dbserver/store_feed.hpp"
#include "net/server.hpp"

namespace stadion::dbserver {

void add_store_routes(net::server& to, store& from, store_feed& feed);

} // namespace stadion::dbserver
