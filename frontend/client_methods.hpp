// The methods RegisterClient and UnregisterClient.
#pragma once

#include "frontend/raffle_service.hpp"
#include "frontend/registrations.hpp"
#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

namespace stadion::frontend {

// The raffle counts the requests of registered clients.
void add_client_methods(net::server& to, registrations& clients, net::board_set& boards,
                        raffle_service& raffle);

} // namespace stadion::frontend
