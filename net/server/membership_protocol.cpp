#include "net/server/membership_protocol.hpp"

#include <algorithm>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr auto again_after = 200ms;
constexpr auto refused_again_after = 1'000ms;
constexpr std::chrono::milliseconds starting_period = 100ms;

} // namespace

membership_protocol::membership_protocol(membership_options options, std::uint32_t pid)
    : options_(std::move(options)), pid_(pid) {}

membership_protocol::next membership_protocol::on_link(bool ready) {
    ready_ = ready;
    if (leaving_) return {};
    joined_ = false;
    beating_ = false;
    return {ready ? saying::join : saying::nothing, {}};
}

membership_protocol::next membership_protocol::on_joined(const v1::JoinResponse& response) {
    joined_ = true;
    server_id_ = response.server_id();
    ring_key_ = response.ring_key();
    period_ = std::chrono::milliseconds(std::max(response.heartbeat_ms(), 10U));
    return {saying::heartbeat, {}}; // the first one says that we serve
}

membership_protocol::next membership_protocol::on_join_failed(const wire::error& why) {
    if (leaving_ || !ready_) return {};
    const bool refused = why.code == wire::status::failed_precondition;
    return {saying::nothing, refused ? refused_again_after : again_after};
}

membership_protocol::next membership_protocol::on_heartbeat_answered(bool is_known) {
    if (leaving_) return {};
    beating_ = false;
    if (!is_known) joined_ = false;
    return {saying::nothing, joined_ ? pause_ : again_after};
}

membership_protocol::next membership_protocol::on_view(const v1::View& view) {
    const auto& servers = view.servers();
    const auto me = std::ranges::find(servers, server_id_, &v1::Server::server_id);
    if (me != servers.end() && !view.ring_pending()) incarnation_ = me->incarnation();
    // While a heartbeat is on its way, its answer says the same.
    if (me != servers.end() || beating_) return {};
    joined_ = false; // we were taken for dead
    return {saying::join, {}};
}

membership_protocol::next membership_protocol::on_time() {
    if (leaving_ || beating_) return {};
    if (joined_) return {saying::heartbeat, {}};
    return {ready_ ? saying::join : saying::nothing, {}};
}

v1::JoinRequest membership_protocol::join(const membership_report& said) const {
    v1::JoinRequest request;
    request.set_kind(options_.kind);
    request.set_address(options_.address);
    request.set_capacity(options_.capacity);
    request.set_pid(pid_);
    for (const auto& service : options_.services) request.add_services(service);
    request.set_server_id(server_id_);
    request.set_clients(said.clients);
    request.set_incarnation(incarnation_);
    request.set_board(said.seen.board);
    request.set_sequence(said.seen.sequence);
    return request;
}

v1::HeartbeatRequest membership_protocol::heartbeat(const membership_report& said) {
    v1::HeartbeatRequest request;
    request.set_server_id(server_id_);
    request.set_sequence(++beats_);
    request.set_clients(said.clients);
    request.set_capacity(options_.capacity);
    request.set_state(said.draining  ? v1::Server::DRAINING
                      : said.serving ? v1::Server::UP
                                     : v1::Server::STARTING);
    request.set_load(said.load);
    request.set_board(said.seen.board);
    request.set_board_sequence(said.seen.sequence);
    for (const auto& ticket : said.redeemed) request.add_redeemed(ticket);
    beating_ = true;
    // A server that is about to serve says so soon: nobody is assigned to it before.
    pause_ = said.serving || said.draining ? period_ : std::min(period_, starting_period);
    return request;
}

} // namespace stadion::net
