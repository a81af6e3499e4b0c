// `stadion dbserver`: the database server, alone or told of a dispatcher.
#include "dbserver/server/database_server.hpp"
#include "tools/command/commands.hpp"
#include "tools/server/run_server.hpp"

#include <spdlog/spdlog.h>

#include <memory>

namespace stadion::tools {
namespace {

struct settings {
    server_settings server{.port = 7500};
    clocksync::strand_settings strands;
    std::string dispatcher;
    std::string data = "stadion-data";
    bool salvage = false;
};

int run(const settings& from) {
    set_up_log(from.server, "dbserver");
    prepare_process();
    make_data_private(from.data);
    dbserver::database_options options;
    options.host = from.server.host;
    options.port = from.server.port;
    options.dispatcher = from.dispatcher;
    options.data = from.data;
    options.salvage = from.salvage;
    options.access = from.dispatcher.empty() ? read_access(from.server) : read_fleet_access(from.server);
    options.origins = read_origins(from.server);
    options.strands = from.strands;
    spdlog::info("the data is in {}", from.data);
    return run_server<dbserver::database_server>(from.server, "dbserver", std::move(options));
}

} // namespace

void add_dbserver(command program) {
    const auto dbserver =
        program.subcommand("dbserver", "the database server, alone or told of a dispatcher");
    const auto from = std::make_shared<settings>();
    add_server_settings(dbserver, from->server, "--host", "--port");
    dbserver.setting("--dispatcher", from->dispatcher, "HOST:PORT of the dispatcher to join, if any");
    dbserver.setting("--data", from->data, "the folder that holds its files");
    dbserver.flag("--salvage", from->salvage, "go on without what is damaged, after it has been set aside");
    add_strand_settings(dbserver, from->strands);
    dbserver.runs([from] { return run(*from); });
}

} // namespace stadion::tools
