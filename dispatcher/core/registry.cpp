#include "dispatcher/core/registry.hpp"

#include "wire/names.hpp"
#include "wire/printable.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace stadion::dispatcher {
namespace {

using balancer::member;
using balancer::server_id;
using balancer::server_order;
using balancer::server_state;
using wire::make_error;
using wire::status;

constexpr std::string_view front_end_kind = "frontend";
constexpr std::string_view database_kind = "dbserver";
constexpr int services_max = 64;

constexpr std::array<std::pair<server_state, v1::Server::State>, 4> states{{
    {server_state::starting, v1::Server::STARTING},
    {server_state::up, v1::Server::UP},
    {server_state::draining, v1::Server::DRAINING},
    {server_state::down, v1::Server::DOWN},
}};

constexpr std::array<std::pair<server_order, v1::HeartbeatResponse::Order>, 3> orders{{
    {server_order::none, v1::HeartbeatResponse::NONE},
    {server_order::drain, v1::HeartbeatResponse::DRAIN},
    {server_order::stop, v1::HeartbeatResponse::STOP},
}};

template <typename Rows, typename Ours>
auto to_wire(const Rows& rows, Ours value) {
    return std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first == value; })
        ->second;
}

// A number that this version does not know reads as the first row: starting, no order.
template <typename Rows, typename Theirs>
auto from_wire(const Rows& rows, Theirs value) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.second == value; });
    return row == rows.end() ? rows.front().first : row->first;
}

bool is_front_end(const member& server) { return server.kind == front_end_kind; }

bool offers(const member& server, std::string_view service) {
    return service.empty() ||
           std::find(server.services.begin(), server.services.end(), service) != server.services.end();
}

// host:port with a port other than 0. Whether the host exists is not checked.
bool plausible_address(std::string_view address) {
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || address.size() > 261) return false;
    const auto host = address.substr(0, colon);
    const bool is_host = std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               (c < 0x80 && std::string_view(".-_[]:%").find(static_cast<char>(c)) != std::string_view::npos);
    });
    if (!is_host) return false;
    const std::string_view port = address.substr(colon + 1);
    unsigned value = 0;
    for (const char digit : port) {
        if (digit < '0' || digit > '9' || value > 65535) return false;
        value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    return value >= 1 && value <= 65535;
}

// The names of services are shown in the lists of servers.
wire::result<void> check_services(const v1::JoinRequest& request) {
    if (request.services_size() > services_max)
        return make_error(status::invalid_argument, "a server offers at most 64 services, not " +
                                                        std::to_string(request.services_size()));
    for (const auto& service : request.services())
        if (auto checked = wire::check_name("service", service); !checked) return checked;
    return {};
}

wire::error no_such_server(std::uint32_t id) {
    return make_error(status::not_found, "no such server: " + std::to_string(id) + "; join again");
}

wire::error unavailable(std::string message, std::chrono::milliseconds retry_after) {
    wire::error failure = make_error(status::unavailable, std::move(message));
    failure.retry_after = retry_after;
    return failure;
}

std::uint64_t first_view_of(std::uint32_t starts) { return std::uint64_t{starts} << 32; }

// A client may redeem its ticket at the last moment, and the heartbeat that reports it may be as late as a
// server may be silent.
std::chrono::milliseconds promise_lifetime(const registry_settings& settings) {
    return settings.ticket_lifetime + settings.members.heartbeat_period * settings.members.misses_max;
}

} // namespace

registry::registry(registry_settings settings, registry_origin origin)
    : settings_(settings),
      members_(settings.members, first_view_of(origin.starts), origin.next_server_id),
      tickets_(origin.starts, promise_lifetime(settings)),
      epoch_(origin.epoch) {}

wire::result<v1::AssignResponse> registry::assign(const v1::AssignRequest&, balancer::time_point now) {
    tickets_.expire(now);
    const auto servers = front_ends_up({});
    if (servers.empty()) return unavailable("no front-end is up", settings_.members.heartbeat_period);

    const auto master = balancer::least_loaded(servers);
    if (!master) {
        auto failure = make_error(status::resource_exhausted, "all front-ends are full");
        failure.retry_after = settings_.members.heartbeat_period;
        return failure;
    }
    if (std::exchange(backups_view_, view_number()) != view_number()) backups_.reset();
    const auto backup = backups_.choose(servers, *master);

    v1::AssignResponse answer;
    answer.set_ticket(tickets_.issue(*master, now));
    answer.set_ticket_ms(static_cast<std::uint32_t>(settings_.ticket_lifetime.count()));
    answer.set_epoch(epoch_);
    *answer.mutable_master() = describe(*members_.find(*master));
    if (backup) *answer.mutable_backup() = describe(*members_.find(*backup));
    return answer;
}

wire::result<v1::JoinResponse> registry::join(const v1::JoinRequest& request,
                                              balancer::connection_id connection, balancer::time_point now) {
    if (request.kind() != front_end_kind && request.kind() != database_kind)
        return make_error(status::invalid_argument,
                          "kind must be frontend or dbserver, not '" + wire::printable(request.kind()) + "'");
    if (!plausible_address(request.address()))
        return make_error(status::invalid_argument,
                          "address must be host:port, not '" + wire::printable(request.address()) + "'");
    if (auto services = check_services(request); !services) return std::move(services).error();

    balancer::join_event event;
    event.kind = request.kind();
    event.address = request.address();
    event.capacity = request.capacity();
    event.pid = request.pid();
    event.services.assign(request.services().begin(), request.services().end());
    event.wanted = static_cast<server_id>(request.server_id());
    event.clients = request.clients();
    event.connection = connection;
    auto outcome = members_.join(event, now);
    if (outcome.replaced) departures_.push_back(std::move(*outcome.replaced));

    v1::JoinResponse answer;
    answer.set_server_id(number(outcome.id));
    answer.set_epoch(epoch_);
    answer.set_heartbeat_ms(static_cast<std::uint32_t>(settings_.members.heartbeat_period.count()));
    *answer.mutable_view() = view();
    return answer;
}

wire::result<v1::HeartbeatResponse> registry::heartbeat(const v1::HeartbeatRequest& request,
                                                        balancer::connection_id connection,
                                                        balancer::time_point now) {
    balancer::heartbeat_event event;
    event.id = static_cast<server_id>(request.server_id());
    event.sequence = request.sequence();
    event.clients = request.clients();
    event.capacity = request.capacity();
    event.state = from_wire(states, request.state());
    event.load = request.load();
    event.connection = connection;
    if (!members_.heartbeat(event, now)) return no_such_server(request.server_id());

    // Tickets of an outdated heartbeat too: the newer heartbeat's count, which stands, contains their
    // clients.
    for (const std::string& ticket : request.redeemed()) tickets_.redeem(ticket);
    tickets_.expire(now);

    v1::HeartbeatResponse answer;
    answer.set_view_number(view_number());
    answer.set_order(to_wire(orders, members_.find(event.id)->order));
    return answer;
}

wire::result<v1::LeaveResponse> registry::leave(const v1::LeaveRequest& request) {
    if (auto gone = members_.leave(static_cast<server_id>(request.server_id())))
        departures_.push_back(std::move(*gone));
    return v1::LeaveResponse{};
}

void registry::drop_silent(server_id id) {
    if (auto gone = members_.leave(id, balancer::departure_reason::silent))
        departures_.push_back(std::move(*gone));
}

v1::GetAllServersResponse registry::get_all_servers() const {
    v1::GetAllServersResponse answer;
    for (const auto& [id, server] : members_.members()) *answer.add_servers() = describe(server);
    return answer;
}

v1::GetAllServersResponse registry::get_all_front_end_servers() const {
    v1::GetAllServersResponse answer;
    for (const auto& [id, server] : members_.members())
        if (is_front_end(server)) *answer.add_servers() = describe(server);
    return answer;
}

v1::View registry::view() const {
    v1::View answer;
    answer.set_number(view_number());
    answer.set_epoch(epoch_);
    for (const auto& [id, server] : members_.members()) *answer.add_servers() = describe(server);
    return answer;
}

std::vector<balancer::departure> registry::take_departures() { return std::exchange(departures_, {}); }

void registry::connection_lost(balancer::connection_id connection) {
    for (auto& gone : members_.connection_lost(connection)) departures_.push_back(std::move(gone));
}

void registry::tick(balancer::time_point now) {
    tickets_.expire(now);
    for (auto& gone : members_.tick(now)) departures_.push_back(std::move(gone));
}

wire::result<v1::Server> registry::forward_target(std::string_view service,
                                                  const std::vector<std::string>& except) {
    auto servers = front_ends_up(service);
    std::erase_if(servers, [&](const auto& server) {
        return std::find(except.begin(), except.end(), members_.find(server.id)->address) != except.end();
    });
    const auto target = round_robin_.next(servers);
    if (target) return describe(*members_.find(*target));
    return unavailable(service.empty() ? "no front-end is up"
                                       : "no front-end that is up offers " + std::string(service),
                       settings_.members.heartbeat_period);
}

wire::result<void> registry::give_order(server_id id, v1::HeartbeatResponse::Order order) {
    if (members_.give_order(id, from_wire(orders, order))) return {};
    return make_error(status::not_found, "no such server: " + std::to_string(number(id)));
}

std::vector<balancer::front_end_load> registry::front_end_loads() const {
    std::vector<balancer::front_end_load> loads;
    for (const auto& [id, server] : members_.members())
        if (is_front_end(server))
            loads.push_back(
                {id, server.state, std::uint64_t{server.clients} + tickets_.promised(id), server.capacity});
    return loads;
}

void registry::set_epoch(std::uint64_t epoch) { epoch_ = std::max(epoch_, epoch); }

std::vector<balancer::candidate> registry::front_ends_up(std::string_view service) const {
    std::vector<balancer::candidate> servers;
    for (const auto& [id, server] : members_.members())
        if (is_front_end(server) && server.state == server_state::up && offers(server, service))
            servers.push_back({id, std::uint64_t{server.clients} + tickets_.promised(id), server.capacity});
    return servers;
}

// `clients` is what the server itself reported, without promised ones, so that it agrees with the server's
// own status.
v1::Server registry::describe(const member& server) const {
    v1::Server answer;
    answer.set_server_id(number(server.id));
    answer.set_kind(server.kind);
    answer.set_address(server.address);
    answer.set_state(to_wire(states, server.state));
    answer.set_clients(server.clients);
    answer.set_capacity(server.capacity);
    answer.set_pid(server.pid);
    for (const std::string& service : server.services) answer.add_services(service);
    return answer;
}

} // namespace stadion::dispatcher
