#include "dispatcher/service/dispatcher_server.hpp"

#include "dispatcher/service/dispatcher_rpc_service.hpp"
#include "dispatcher/service/forwarding_service.hpp"
#include "dispatcher/web/page.hpp"
#include "net/tcp/address.hpp"
#include "net/tcp/listener.hpp"

#include <nlohmann/json.hpp>

#include <future>
#include <thread>

#include <unistd.h>

namespace stadion::dispatcher {
namespace {

using nlohmann::ordered_json;

// A child's own address as arguments. Its port may be 0, which net::split_address does not accept.
std::vector<std::string> place_arguments(std::string_view address) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {"--host", std::string(host), "--port", std::string(address.substr(colon + 1))};
}

// The dispatcher starts the database server only if that is to run on this machine.
bool is_own_address(net::runtime& threads, const std::string& host) {
    net::error_code failure;
    const auto address = net::asio::ip::make_address(host, failure);
    if (failure) return host == "localhost";
    net::tcp::acceptor probe(threads.at(0).context());
    probe.open(address.is_v6() ? net::tcp::v6() : net::tcp::v4(), failure);
    if (!failure) probe.bind({address, 0}, failure);
    return !failure;
}

ordered_json describe_fleet(fleet_service& fleet) {
    auto servers = ordered_json::array();
    const auto listed = fleet.servers().get_all_servers();
    for (const auto& server : listed.servers())
        servers.push_back({{"server_id", server.server_id()},
                           {"kind", server.kind()},
                           {"address", server.address()},
                           {"state", v1::Server::State_Name(server.state())},
                           {"pid", server.pid()},
                           {"clients", server.clients()},
                           {"capacity", server.capacity()}});
    auto children = ordered_json::array();
    for (const auto& one : fleet.children().table().reports(std::chrono::steady_clock::now())) {
        const bool runs = one.child.pid != 0;
        const auto seconds = std::chrono::duration<double>(one.time).count();
        children.push_back({{"kind", one.child.kind},
                            {"address", one.child.address},
                            {"pid", one.child.pid},
                            {runs ? "runs_for_s" : "starts_in_s", seconds},
                            {"restarts", one.restarts},
                            {"early_deaths", one.early_deaths},
                            {"crash_loop", one.is_in_crash_loop},
                            {"last_end", one.last_end},
                            {"last_words", one.last_words}});
    }
    const auto summary = fleet.summary();
    return {
        {"view", summary.view_number},
        {"epoch", summary.epoch},
        {"leader", summary.leader},
        {"wanted", {{"frontend", fleet.wanted().front_ends}, {"dbserver", fleet.wanted().database ? 1 : 0}}},
        {"pid", ::getpid()},
        {"starts", fleet.starts()},
        {"adopted", fleet.children().adopted()},
        {"restarts", fleet.children().restarts()},
        {"servers", servers},
        {"children", children}};
}

} // namespace

class dispatcher_server::implementation {
public:
    implementation(dispatcher_server& owner, net::runtime& threads, dispatcher_options options)
        : owner_(owner),
          threads_(threads),
          options_(std::move(options)),
          server_(threads, "dispatcher", options_.access),
          views_(threads) {
        if (options_.database_host.empty()) options_.database_host = options_.host;
        server_.context().origins = options_.origins;
    }

    wire::result<std::string> start() {
        auto state = state_file::open(options_.data);
        if (!state) return std::move(state).error();
        fleet_ = std::make_shared<fleet_service>(threads_.at(0), fleet_options_from(), *std::move(state));
        if (auto persisted = fleet_->persist_start(); !persisted) return persisted.error();
        forwarding_ = std::make_unique<forwarding_service>(threads_, fleet_);
        rpc_ = std::make_unique<dispatcher_rpc_service>(fleet_, views_);
        rpc_->add_to(server_);
        forwarding_->add_to(server_);
        add_pages();
        add_health();
        connect_fleet();

        // Children are started once the port is bound, since they join at once.
        auto address = listen();
        if (!address) return address;
        address_ = *address;
        wire::result<void> begun;
        on_fleet([&] { begun = fleet_->begin(address_); });
        if (!begun) return begun.error();
        return address;
    }

    void stop(std::chrono::milliseconds hard) {
        if (!fleet_) return;
        std::promise<void> stopped;
        fleet_->home().post(
            [&] { fleet_->stop(hard + std::chrono::seconds(2), [&] { stopped.set_value(); }); });
        stopped.get_future().wait();
        server_.drain(hard);
        forwarding_->stop();
    }

    void kill_children() noexcept {
        if (!fleet_) return;
        auto killed = std::make_shared<std::promise<void>>();
        fleet_->home().post([fleet = fleet_, killed] {
            fleet->kill_children();
            killed->set_value();
        });
        killed->get_future().wait_for(std::chrono::seconds(1));
    }

private:
    // Port 0 means any port; the one that living children report to is tried first. A port may be held a
    // moment longer by a child that was being forked when the dispatcher before was killed.
    wire::result<std::string> listen() {
        if (options_.port == 0)
            if (const auto awaited = net::split_address(fleet_->address_awaited()))
                if (auto address = server_.listen(options_.host, awaited->port)) return address;
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
        for (;;) {
            auto address = server_.listen(options_.host, options_.port);
            if (address || address.error().code != wire::status::unavailable ||
                std::chrono::steady_clock::now() > until)
                return address;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    fleet_options fleet_options_from() {
        fleet_options result;
        result.wanted.front_ends = options_.servers;
        result.wanted.host = options_.host;
        result.wanted.front_end_port = options_.front_end_port;
        result.wanted.database = is_own_address(threads_, options_.database_host);
        result.wanted.is_free = &net::is_address_free;
        result.wanted.database_address = net::join_address(options_.database_host, options_.database_port);
        result.servers_max = options_.servers_max;
        result.capacity = options_.capacity;
        result.registry.members = options_.heartbeat;
        result.lock.lease = options_.leader_silence * 5 / 2;
        result.lock.complaint_window = options_.leader_silence * 2;
        result.children.program = options_.program;
        result.children.arguments = [this](const std::string& kind, const std::string& address) {
            return arguments_of(kind, address);
        };
        return result;
    }

    std::vector<std::string> arguments_of(const std::string& kind, const std::string& address) const {
        std::vector<std::string> arguments{kind, "--dispatcher", address_};
        const auto add = [&](const std::vector<std::string>& more) {
            arguments.insert(arguments.end(), more.begin(), more.end());
        };
        add(place_arguments(address));
        if (kind == "frontend") add({"--capacity", std::to_string(options_.capacity)});
        if (kind == "dbserver") add({"--data", options_.data.string()});
        add(options_.child_arguments);
        return arguments;
    }

    template <typename Task>
    void on_fleet(Task task) {
        std::promise<void> ran;
        fleet_->home().post([&] {
            task();
            ran.set_value();
        });
        ran.get_future().wait();
    }

    void connect_fleet() {
        fleet_->on_view = [this](const v1::View& view) {
            server_.context().epoch = view.epoch();
            views_.publish(view.SerializeAsString());
        };
        fleet_->on_child_up = [this](const std::string& kind, const std::string& address) {
            if (owner_.on_child_ready) owner_.on_child_ready(kind, address);
        };
        fleet_->on_complete = [this] {
            if (owner_.on_complete) owner_.on_complete(address_);
        };
    }

    void add_health() {
        server_.add_service("Dispatcher", "Where clients go, who is in the fleet, who may elect");
        server_.add_check("front-ends", [this]() -> wire::result<void> {
            if (fleet_->summary().front_ends_up > 0) return {};
            return wire::make_error(wire::status::unavailable, "no front-end is up");
        });
        server_.add_status([this](ordered_json& status) {
            const auto summary = fleet_->summary();
            status["clients"] = summary.clients;
            status["capacity"] = summary.capacity;
            status["epoch"] = summary.epoch;
            if (summary.leader != 0)
                status["leader"] = {{"server_id", summary.leader}, {"address", summary.leader_address}};
            status["ring"] = summary.ring;
            if (summary.election_by == 0) return;
            const auto since = std::chrono::steady_clock::now() - summary.election_at;
            status["election"] = {{"by", summary.election_by},
                                  {"reason", summary.election_reason},
                                  {"seconds_ago", std::chrono::duration<double>(since).count()}};
        });
    }

    void add_pages() {
        server_.http().on(net::http_method::get, "/", net::anyone, [](const net::http_request&) {
            static const auto page = std::make_shared<const std::string>(web_page());
            net::http_response response;
            response.content_type = "text/html; charset=utf-8";
            response.shared_body = page;
            response.headers = {{"Cache-Control", "no-cache"},
                                {"Content-Security-Policy",
                                 "default-src 'self'; style-src 'unsafe-inline'; "
                                 "script-src 'unsafe-inline'; img-src 'self' data:"}};
            return response;
        });
        server_.http().on_exchange(
            net::http_method::get, "/fleet", net::role::operator_ | net::role::server,
            [this](net::http_request&&, const std::shared_ptr<net::http_exchange>& exchange) {
                fleet_->home().post([fleet = fleet_.get(), exchange = exchange]() mutable {
                    auto& home = exchange->home();
                    home.post([text = describe_fleet(*fleet).dump() + "\n", exchange = std::move(exchange)] {
                        exchange->respond(net::json_response(text));
                    });
                });
            });
    }

    dispatcher_server& owner_;
    net::runtime& threads_;
    dispatcher_options options_;
    net::server server_;
    view_stream_service views_;
    std::shared_ptr<fleet_service> fleet_;
    std::unique_ptr<dispatcher_rpc_service> rpc_;
    std::unique_ptr<forwarding_service> forwarding_;
    std::string address_;
};

dispatcher_server::dispatcher_server(net::runtime& threads, dispatcher_options options)
    : self_(std::make_unique<implementation>(*this, threads, std::move(options))) {}

dispatcher_server::~dispatcher_server() = default;

wire::result<std::string> dispatcher_server::start() { return self_->start(); }
void dispatcher_server::stop(std::chrono::milliseconds hard) { self_->stop(hard); }
void dispatcher_server::kill_children() noexcept { self_->kill_children(); }

} // namespace stadion::dispatcher
