#include "dispatcher/service/dispatcher_rpc_service.hpp"

#include "net/session/http_session.hpp"
#include "wire/json.hpp"

#include <atomic>

namespace stadion::dispatcher {
namespace {

constexpr auto inside = net::role::operator_ | net::role::server; // may list the servers
constexpr auto members = net::roles(net::role::server);           // only these join the fleet

// Lives as long as the connection of a server that has joined on it.
class connection_watch {
public:
    explicit connection_watch(const std::shared_ptr<fleet_service>& fleet) : fleet_(fleet) {}
    ~connection_watch() {
        if (const auto fleet = fleet_.lock())
            fleet->home().post([weak = fleet_, id = id_] {
                if (const auto alive = weak.lock()) alive->connection_lost(id);
            });
    }
    connection_watch(const connection_watch&) = delete;
    connection_watch& operator=(const connection_watch&) = delete;

    balancer::connection_id id() const noexcept { return id_; }

private:
    static balancer::connection_id next() {
        static std::atomic<std::uint64_t> last{0};
        return balancer::connection_id{++last};
    }

    std::weak_ptr<fleet_service> fleet_;
    balancer::connection_id id_ = next();
};

balancer::connection_id identify(const std::shared_ptr<fleet_service>& fleet, net::call& one) {
    if (!one.is_from_lasting_connection()) return balancer::connection_id::none;
    auto& attached = one.link().attachments()["fleet member"];
    if (!attached) attached = std::make_shared<connection_watch>(fleet);
    return std::static_pointer_cast<connection_watch>(attached)->id();
}

template <typename Outcome>
void answer(net::reply_sink& to, const Outcome& outcome) {
    if (outcome)
        to.reply(*outcome);
    else
        to.fail(outcome.error());
}

// run(fleet, request, connection) → result<Response>, on the fleet's worker. `ties`: the caller lives no
// longer than its connection.
template <net::message Request, typename Run>
void add(net::server& server, const std::shared_ptr<fleet_service>& fleet, std::string_view name,
         net::role_set need, bool ties, Run run) {
    server.rpc().on_call<Request>(
        "Dispatcher", name, need, [fleet, ties, run](const Request& request, net::call& one) {
            const auto connection = ties ? identify(fleet, one) : balancer::connection_id::none;
            if (fleet->home().is_current()) return answer(one, run(*fleet, request, connection));
            auto pending = one.defer();
            if (!pending) return;
            fleet->home().post([fleet, run, request, connection, pending = std::move(pending)]() mutable {
                auto& home = pending->home();
                home.post([outcome = run(*fleet, request, connection), pending = std::move(pending)] {
                    answer(*pending, outcome);
                });
            });
        });
}

// The same for an old HTTP name: the request and the answer in protobuf's JSON mapping.
template <net::message Request, typename Run>
void add_http(net::server& server, const std::shared_ptr<fleet_service>& fleet, net::http_method method,
              std::string_view path, net::role_set need, Run run) {
    server.http().on_exchange(
        method, path, need,
        [fleet, run](net::http_request&& incoming, const std::shared_ptr<net::http_exchange>& exchange) {
            Request request;
            if (!incoming.body.empty())
                if (auto parsed = wire::from_json(incoming.body, request); !parsed)
                    return exchange->fail(parsed.error());
            fleet->home().post([fleet, run, request, exchange = exchange]() mutable {
                auto& home = exchange->home();
                home.post([outcome = run(*fleet, request), exchange = std::move(exchange)] {
                    if (!outcome) return exchange->fail(outcome.error());
                    exchange->respond(net::json_response(wire::to_json(*outcome) + "\n"));
                });
            });
        });
}

} // namespace

dispatcher_rpc_service::dispatcher_rpc_service(std::shared_ptr<fleet_service> fleet,
                                               view_stream_service& views)
    : fleet_(std::move(fleet)), views_(views) {}

void dispatcher_rpc_service::add_to(net::server& server) {
    using connection = balancer::connection_id;
    using lists = wire::result<v1::GetAllServersResponse>;
    add<v1::AssignRequest>(
        server, fleet_, "Assign", net::anyone, false,
        [](fleet_service& fleet, const auto& request, connection) { return fleet.assign(request); });
    add<v1::JoinRequest>(
        server, fleet_, "Join", members, true,
        [](fleet_service& fleet, const auto& request, connection from) { return fleet.join(request, from); });
    add<v1::HeartbeatRequest>(server, fleet_, "Heartbeat", members, true,
                              [](fleet_service& fleet, const auto& request, connection from) {
                                  return fleet.heartbeat(request, from);
                              });
    add<v1::LeaveRequest>(server, fleet_, "Leave", members, true,
                          [](fleet_service& fleet, const auto& request, connection from) {
                              return fleet.leave(request, from);
                          });

    const auto all = [](fleet_service& fleet, const auto&, auto...) -> lists {
        return fleet.servers().get_all_servers();
    };
    const auto front_ends = [](fleet_service& fleet, const auto&, auto...) -> lists {
        return fleet.servers().get_all_front_end_servers();
    };
    const auto lock = [](fleet_service& fleet, const auto& request, connection from = connection::none) {
        return fleet.ask_lock(request, from);
    };
    const auto release = [](fleet_service& fleet, const auto& request, connection from = connection::none) {
        return fleet.release_lock(request, from);
    };
    using list_request = v1::GetAllServersRequest;
    using lock_request = v1::GetLeaderElectionLockRequest;
    using release_request = v1::ReleaseLeaderElectionLockRequest;
    add<list_request>(server, fleet_, "GetAllServers", inside, false, all);
    add<list_request>(server, fleet_, "GetAllFrontEndServers", inside, false, front_ends);
    add<lock_request>(server, fleet_, "GetLeaderElectionLock", members, true, lock);
    add<release_request>(server, fleet_, "ReleaseLeaderElectionLock", members, true, release);
    add_http<list_request>(server, fleet_, net::http_method::get, "/getAllServers", inside, all);
    add_http<list_request>(server, fleet_, net::http_method::get, "/getAllFrontEndServers", inside,
                           front_ends);
    add_http<lock_request>(server, fleet_, net::http_method::post, "/getLeaderElectionLock", members, lock);
    add_http<release_request>(server, fleet_, net::http_method::post, "/releaseLeaderElectionLock", members,
                              release);

    server.rpc().on_later<v1::WatchViewRequest>(
        "Dispatcher", "WatchView", members,
        [this](const v1::WatchViewRequest&, std::shared_ptr<net::pending_call> call) {
            views_.watch(std::move(call));
        });
}

} // namespace stadion::dispatcher
