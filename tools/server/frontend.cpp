// `stadion frontend`: one front-end, started by a dispatcher or by hand.
#include "frontend/frontend_server.hpp"
#include "tools/command/commands.hpp"
#include "tools/server/run_server.hpp"

#include <memory>
#include <stdexcept>

namespace stadion::tools {
namespace {

struct settings {
    server_settings server;
    clocksync::strand_settings strands;
    std::string dispatcher;
    std::string database;
    std::uint32_t capacity = 10'000;
};

int run(const settings& from) {
    if (from.dispatcher.empty() && from.database.empty()) {
        throw std::invalid_argument("a front-end needs --dispatcher HOST:PORT (or --database HOST:PORT)");
    }
    set_up_log(from.server, "frontend");
    prepare_process();
    frontend::frontend_options options;
    options.host = from.server.host;
    options.port = from.server.port;
    options.dispatcher = from.dispatcher;
    options.database = from.database;
    options.capacity = from.capacity;
    options.access = read_fleet_access(from.server);
    options.origins = read_origins(from.server);
    options.strands = from.strands;
    return run_server<frontend::frontend_server>(from.server, "frontend", std::move(options));
}

} // namespace

void add_frontend(command program) {
    const auto frontend = program.subcommand("frontend", "one front-end; joins the dispatcher it is told of");
    const auto from = std::make_shared<settings>();
    add_server_settings(frontend, from->server, "--host", "--port");
    frontend.setting("--dispatcher", from->dispatcher, "HOST:PORT of the dispatcher");
    frontend.setting("--database", from->database,
                     "HOST:PORT of the database server, if not the dispatcher's");
    frontend.setting("--capacity", from->capacity, "how many clients it takes");
    add_strand_settings(frontend, from->strands);
    frontend.runs([from] { return run(*from); });
}

} // namespace stadion::tools
