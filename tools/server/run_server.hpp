// What a database server and a front-end have in common as processes: they serve until a signal or an order
// from the dispatcher ends them.
#pragma once

#include "tools/command/commands.hpp"
#include "tools/server/server_settings.hpp"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

namespace stadion::tools {

// Returns the exit status. Throws when the server cannot start.
template <typename Server, typename Options>
int run_server(const server_settings& from, const std::string& kind, Options options) {
    stop_signals signals; // before any thread, so that all have them blocked
    net::runtime threads(thread_count(from));
    Server server(threads, std::move(options));
    server.on_stop_order = [&signals] { signals.request(); };
    const auto address = server.start();
    if (!address) give_up(threads, address.error());
    say_ready(kind, *address);
    spdlog::info("serving on {}", *address);
    signals.wait();
    spdlog::info("stopping");
    signals.finish_or_die([&] {
        server.stop(drain_within);
        threads.stop();
    });
    return done;
}

} // namespace stadion::tools
