// RegisterClient and UnregisterClient.
#pragma once

#include "frontend/raffle_service.hpp"
#include "frontend/registrations.hpp"
#include "net/board/board_set.hpp"
#include "net/server/server.hpp"

#include <functional>

namespace stadion::frontend {

// `changed` is called on the connection's worker when the count may have changed. The requests of registered
// clients are shown to the raffle.
void add_client_methods(net::server& to, registrations& clients, net::board_set& boards,
                        raffle_service& raffle, std::function<void()> changed);

} // namespace stadion::frontend
