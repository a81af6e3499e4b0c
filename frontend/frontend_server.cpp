#include "frontend/frontend_server.hpp"

#include "clocksync/strands/strands_driver.hpp"
#include "frontend/client_methods.hpp"
#include "frontend/past_route.hpp"
#include "frontend/raffle_service.hpp"
#include "frontend/remote_writer.hpp"
#include "frontend/replica.hpp"
#include "net/board/board_http.hpp"
#include "net/board/board_rpc.hpp"
#include "net/board/board_streams.hpp"
#include "net/os/descriptors.hpp"
#include "net/os/process_load.hpp"
#include "net/server/membership.hpp"
#include "net/server/server.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <mutex>

namespace stadion::frontend {
namespace {

// Lowers the capacity to the clients that there are file descriptors for.
frontend_options within_descriptors(frontend_options options) {
    const auto clients = static_cast<std::uint32_t>(net::clients_within_descriptors(options.capacity));
    if (clients < options.capacity)
        spdlog::warn(
            "there are file descriptors for {} clients only, not for {}; raise the limit (ulimit -n, "
            "LimitNOFILE=)",
            clients, options.capacity);
    options.capacity = clients;
    return options;
}

} // namespace

struct frontend_server::parts {
    parts(net::runtime& to_run_on, frontend_options with)
        : threads(to_run_on),
          options(within_descriptors(std::move(with))),
          clients(options.capacity),
          server(threads, "frontend", options.access),
          boards(threads),
          writer(threads, options.access.own_token(net::role::server)),
          feed(std::make_shared<replica>(threads.at(0), boards,
                                         options.access.own_token(net::role::server))) {}

    // The database server at `address`, which writes under `epoch`; 0: no epoch is named.
    void follow_database(const std::string& address, std::uint64_t epoch) {
        {
            const std::lock_guard lock(database_mutex);
            if (address.empty() || (address == database && epoch == database_epoch)) return;
            database = address;
            database_epoch = epoch;
        }
        writer.follow(address, epoch);
        feed->follow(address, epoch);
    }

    net::runtime& threads;
    frontend_options options;
    registrations clients;                  // outlives the connections that hold registrations
    std::unique_ptr<raffle_service> raffle; // outlives the connections it watches
    net::server server;
    net::board_set boards;
    remote_writer writer;
    std::shared_ptr<replica> feed;
    std::shared_ptr<net::membership> member;
    std::unique_ptr<clocksync::strands_driver> strands;
    net::process_load load;
    std::mutex database_mutex;
    std::string database; // its address, empty until it is known
    std::uint64_t database_epoch = 0;
};

frontend_server::frontend_server(net::runtime& threads, frontend_options options)
    : parts_(std::make_unique<parts>(threads, std::move(options))) {
    parts_->server.context().origins = parts_->options.origins;
}

frontend_server::~frontend_server() = default;

wire::result<std::string> frontend_server::start() {
    auto& my = *parts_;
    add_front_end_rpc(my.server, my.boards, my.writer);
    add_board_http(my.server, my.boards, my.writer, remote_past(my.threads, [&my] {
                       const std::lock_guard lock(my.database_mutex);
                       return my.database;
                   }));
    add_board_streams(my.server, my.boards);
    my.server.add_service("FrontEnd", "Live scores and medal tallies: queries, updates, subscriptions");
    my.server.add_check("board", [&my]() -> wire::result<void> {
        if (my.feed->is_filled() && my.feed->is_following()) return {};
        return wire::make_error(wire::status::unavailable, my.feed->not_ready_reason());
    });
    my.server.add_status([&my](nlohmann::ordered_json& status) {
        status["clients"] = my.clients.clients();
        status["capacity"] = my.clients.capacity();
        status["sequence"] = my.boards.sequence();
        status["board"] = std::to_string(my.boards.board()); // a string: JavaScript numbers are less precise
        status["database"] = {{"connected", my.feed->is_following()}};
        // Reads go on without the database server, so this server is still up for its clients.
        if (my.feed->is_filled() && !my.server.context().draining) status["state"] = "UP";
    });

    my.strands = std::make_unique<clocksync::strands_driver>(my.threads.at(0), my.server, my.options.strands,
                                                             !my.options.dispatcher.empty(),
                                                             my.options.access.own_token(net::role::server));
    my.raffle =
        std::make_unique<raffle_service>(my.threads, my.strands->raffle(), my.options.strands.raffle_every);
    my.raffle->add_to(my.server, my.boards);
    add_client_methods(my.server, my.clients, my.boards, *my.raffle);

    auto address = my.server.listen(my.options.host, my.options.port);
    if (!address) return address;
    if (!my.options.database.empty())
        my.threads.at(0).post([&my] { my.follow_database(my.options.database, 0); });
    if (my.options.dispatcher.empty()) return address;

    net::membership_options joining;
    joining.dispatcher = my.options.dispatcher;
    joining.kind = "frontend";
    joining.address = *address;
    joining.capacity = my.options.capacity;
    joining.services = {"FrontEnd", "Raffle"};
    joining.token = my.options.access.own_token(net::role::server);
    my.member = std::make_shared<net::membership>(my.threads.at(0), std::move(joining));
    my.member->on_report = [&my] {
        auto counts = my.clients.take_counts();
        net::membership::report said;
        said.clients = counts.clients;
        said.redeemed = std::move(counts.redeemed);
        said.serving = my.feed->is_filled();
        said.seen = {my.boards.board(), my.boards.sequence()};
        said.draining = my.server.context().draining;
        const auto filled = static_cast<double>(counts.clients) / std::max(my.clients.capacity(), 1U);
        said.load = std::max(filled, my.load.sample());
        my.strands->add_load(said.load);
        return said;
    };
    my.member->on_reported = [&my](const std::vector<std::string>& tickets) { my.clients.reported(tickets); };
    my.member->on_joined = [&my](std::uint32_t server_id, std::uint64_t epoch) {
        my.strands->on_joined(server_id, epoch, my.member->ring_key(), my.member->dispatcher_link());
    };
    my.member->on_view = [&my](const v1::View& view) {
        my.strands->on_view(view);
        if (!my.options.database.empty()) return;
        for (const auto& one : view.servers())
            if (one.server_id() == view.writer_id()) my.follow_database(one.address(), view.writer_epoch());
    };
    my.member->on_order = [this](v1::HeartbeatResponse::Order order) {
        if (order == v1::HeartbeatResponse::STOP && on_stop_order) on_stop_order();
    };
    my.threads.at(0).post([&my] { my.member->start(); });
    return address;
}

void frontend_server::stop(std::chrono::milliseconds hard) {
    auto& my = *parts_;
    if (my.member) my.member->leave_and_wait([&my] { my.strands->close(); });
    my.server.drain(hard);
    my.writer.close();
    my.threads.run_on_each([&my](net::worker& home) {
        if (home.index() == 0) my.feed->close();
    });
    my.threads.run_on_each([](net::worker&) {}); // runs after all that closing posted
}

} // namespace stadion::frontend
