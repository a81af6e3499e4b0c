#include "dbserver/server/database_server.hpp"

#include "clocksync/strands/strands_driver.hpp"
#include "dbserver/engine/json_store.hpp"
#include "dbserver/journal/damage.hpp"
#include "dbserver/server/fenced_feed.hpp"
#include "dbserver/server/past_route.hpp"
#include "dbserver/server/store_feed.hpp"
#include "dbserver/server/store_routes.hpp"
#include "net/board/board_http.hpp"
#include "net/board/board_rpc.hpp"
#include "net/board/board_streams.hpp"
#include "net/os/process_load.hpp"
#include "net/server/membership.hpp"
#include "net/server/server.hpp"

#include <nlohmann/json.hpp>

namespace stadion::dbserver {

struct database_server::parts {
    parts(net::runtime& to_run_on, database_options with)
        : threads(to_run_on),
          options(std::move(with)),
          server(threads, "dbserver", options.access),
          boards(threads) {}

    net::runtime& threads;
    database_options options;
    net::server server;
    net::board_set boards;
    std::unique_ptr<json_store> store;
    std::unique_ptr<store_feed> feed;
    std::shared_ptr<fleet_driver> fleet;
    std::unique_ptr<fenced_feed> writer;
    std::unique_ptr<past_queries> past;
    std::shared_ptr<net::membership> member;
    std::unique_ptr<clocksync::strands_driver> strands; // the log survives here when no front-end is left
    net::process_load load;
};

database_server::database_server(net::runtime& threads, database_options options)
    : parts_(std::make_unique<parts>(threads, std::move(options))) {
    parts_->server.context().origins = parts_->options.origins;
}

database_server::~database_server() = default;

wire::result<std::string> database_server::start() {
    auto& my = *parts_;
    my.strands = std::make_unique<clocksync::strands_driver>(my.threads.at(0), my.server, my.options.strands,
                                                             !my.options.dispatcher.empty(),
                                                             my.options.access.own_token(net::role::server));
    json_store_options settings;
    settings.directory = my.options.data.string();
    settings.program = net::software_name();
    settings.salvage = my.options.salvage;
    settings.engine.clock = [clock = my.strands->clock()] { return clock->stamp_us(); };
    settings.engine.on_poisoned = [this] {
        if (on_stop_order) on_stop_order();
    };
    try {
        my.store = std::make_unique<json_store>(std::move(settings));
    } catch (const std::exception& failure) {
        return wire::make_error(wire::status::failed_precondition, failure.what());
    }
    auto board = board_file::open(my.options.data.string(), my.store->sequence(), my.options.salvage);
    if (!board) return std::move(board).error();
    my.feed = std::make_unique<store_feed>(*my.store, my.boards, board->board());
    my.fleet = std::make_shared<fleet_driver>(my.threads.at(0), my.boards, *std::move(board),
                                              !my.options.dispatcher.empty());
    my.fleet->add_to(my.server);
    my.writer = std::make_unique<fenced_feed>(*my.feed, *my.fleet);
    my.past = std::make_unique<past_queries>(*my.store);

    add_database_rpc(my.server, my.boards, *my.writer,
                     [fleet = my.fleet](const v1::WatchRequest& request, net::role_set roles) {
                         return fleet->may_watch(request, roles);
                     });
    add_board_http(
        my.server, my.boards, *my.writer,
        [&past = *my.past](net::http_request&& request, net::board_view view, const auto& exchange) {
            past.answer(std::move(request), view, exchange);
        });
    add_board_streams(my.server, my.boards);
    add_store_routes(my.server, *my.store, *my.feed, my.fleet);
    my.server.add_service("Database", "Durable scores and medal tallies, and the feed of their changes");

    auto address = my.server.listen(my.options.host, my.options.port);
    if (!address || my.options.dispatcher.empty()) return address;

    net::membership_options joining;
    joining.dispatcher = my.options.dispatcher;
    joining.kind = "dbserver";
    joining.address = *address;
    joining.services = {"Database"};
    joining.token = my.options.access.own_token(net::role::server);
    my.member = std::make_shared<net::membership>(my.threads.at(0), std::move(joining));
    my.member->on_report = [&my] {
        net::membership::report said;
        said.clients = static_cast<std::uint32_t>(my.server.connections());
        said.serving = my.server.is_ready();
        said.draining = my.server.context().draining;
        said.seen = my.fleet->seen();
        said.load = my.load.sample();
        my.strands->add_load(said.load);
        return said;
    };
    my.member->on_joined = [&my](std::uint32_t server_id, std::uint64_t epoch) {
        my.strands->on_joined(server_id, epoch, my.member->ring_key(), my.member->dispatcher_link());
    };
    my.fleet->follow(*my.member);
    my.member->on_view = [&my](const v1::View& view) {
        my.fleet->on_view(view);
        my.strands->on_view(view);
    };
    my.member->on_order = [this](v1::HeartbeatResponse::Order order) {
        if (order == v1::HeartbeatResponse::STOP && on_stop_order) on_stop_order();
    };
    my.threads.at(0).post([&my] { my.member->start(); });
    return address;
}

void database_server::stop(std::chrono::milliseconds hard) {
    auto& my = *parts_;
    if (my.member)
        my.member->leave_and_wait([&my] {
            my.fleet->close();
            my.strands->close();
        });
    my.server.drain(hard);
    if (my.store) my.store->stop();
    if (my.fleet) my.fleet->note_end();
}

} // namespace stadion::dbserver
