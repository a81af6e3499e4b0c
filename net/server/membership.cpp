#include "net/server/membership.hpp"

#include "net/os/limited_log.hpp"
#include "wire/printable.hpp"

#include <unistd.h>

#include <algorithm>
#include <future>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t join_method = 0x0102;
constexpr std::uint16_t heartbeat_method = 0x0103;
constexpr std::uint16_t leave_method = 0x0104;
constexpr std::uint16_t watch_view_method = 0x0109;
constexpr auto again_after = 200ms;
constexpr auto refused_again_after = 1s;
constexpr std::chrono::milliseconds starting_period = 100ms;
constexpr auto hurry_within = 20ms; // one heartbeat for a burst of changes

link_options link_options_of(const membership_options& options) {
    link_options result;
    result.role = "server";
    result.node = options.kind + " " + options.address;
    result.token = options.token;
    result.peer_proves_itself = true;
    result.reconnect_max = 500ms;
    return result;
}

} // namespace

membership::membership(worker& home, membership_options options)
    : home_(home),
      options_(std::move(options)),
      link_(std::make_shared<link>(home, link_options_of(options_))) {}

void membership::start() {
    link_->on_state = [weak = weak_from_this()](bool ready) {
        auto self = weak.lock();
        if (!self || self->leaving_) return;
        self->joined_ = false;
        self->following_ = false;
        self->beating_ = false;
        self->beat_.disarm();
        if (ready) self->join();
    };
    link_->on_failure = [](const std::string& address, const std::string& why) {
        static limited_log log{10s};
        log.warn("cannot join the dispatcher at " + wire::printable(address) + " yet, trying on: ", why);
    };
    link_->connect({options_.dispatcher});
}

void membership::join() {
    const auto said = on_report ? on_report() : membership::report{};
    v1::JoinRequest request;
    request.set_kind(options_.kind);
    request.set_address(options_.address);
    request.set_capacity(options_.capacity);
    request.set_pid(static_cast<std::uint32_t>(::getpid()));
    for (const auto& service : options_.services) request.add_services(service);
    request.set_server_id(server_id_);
    request.set_clients(said.clients);
    request.set_incarnation(incarnation_);
    request.set_board(said.seen.board);
    request.set_sequence(said.seen.sequence);
    link_->call(join_method, request.SerializeAsString(), {}, [weak = weak_from_this()](auto outcome) {
        auto self = weak.lock();
        if (!self || self->leaving_) return;
        v1::JoinResponse response;
        if (outcome && response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size())))
            return self->on_joined_reply(response);
        const bool refused = !outcome && outcome.error().code == wire::status::failed_precondition;
        if (refused && self->on_refused) self->on_refused(outcome.error());
        if (!self->link_->is_ready()) return;
        self->home_.arm(self->beat_,
                        refused ? refused_again_after : again_after); // beat() joins when it has to
    });
}

void membership::on_joined_reply(const v1::JoinResponse& response) {
    joined_ = true;
    server_id_ = response.server_id();
    ring_key_ = response.ring_key();
    period_ = std::chrono::milliseconds(std::max(response.heartbeat_ms(), 10U));
    if (on_joined) on_joined(server_id_, response.epoch());
    if (on_welcomed) on_welcomed(response);
    take_view(response.view());
    if (!std::exchange(following_, true)) follow_view();
    beat(); // the first one says that we serve
}

void membership::follow_view() {
    link_->stream(
        watch_view_method, {}, {},
        [weak = weak_from_this()](std::string_view body) {
            auto self = weak.lock();
            v1::View view;
            if (!self || !view.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
            self->take_view(view);
        },
        [](auto) {}); // ends with the connection, and begins again with the next
}

void membership::take_view(const v1::View& view) {
    if (!joined_ || leaving_) return;
    const auto& servers = view.servers();
    const auto me = std::ranges::find(servers, server_id_, &v1::Server::server_id);
    if (me != servers.end() && !view.ring_pending()) incarnation_ = me->incarnation();
    if (on_view) on_view(view);
    if (me != servers.end() || beating_) return; // while a heartbeat is on its way, its answer says the same
    joined_ = false;
    beat_.disarm();
    join(); // we were taken for dead
}

void membership::beat() {
    if (leaving_ || beating_) return;
    if (!joined_) return link_->is_ready() ? join() : void();
    const auto said = on_report ? on_report() : membership::report{};
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
    hurried_ = false;
    // A server that is about to serve says so soon: nobody is assigned to it before.
    const auto next = said.serving || said.draining ? period_ : std::min(period_, starting_period);
    call_options options;
    options.budget = period_ * 2;
    link_->call(
        heartbeat_method, request.SerializeAsString(), options,
        [weak = weak_from_this(), tickets = said.redeemed, next](auto outcome) {
            auto self = weak.lock();
            if (!self || self->leaving_) return;
            self->beating_ = false;
            if (outcome) {
                if (self->on_reported) self->on_reported(tickets);
                v1::HeartbeatResponse response;
                response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size()));
                if (self->on_answer) self->on_answer(response);
                if (response.order() != v1::HeartbeatResponse::NONE && self->on_order)
                    self->on_order(response.order());
            } else if (outcome.error().code == wire::status::not_found) {
                self->joined_ = false; // the dispatcher has forgotten us
            }
            self->home_.arm(self->beat_, self->hurried_ ? hurry_within : self->joined_ ? next : again_after);
        });
}

void membership::hurry() {
    if (std::exchange(hurried_, true) || beating_ || !joined_) return;
    home_.arm(beat_, hurry_within);
}

void membership::leave(std::function<void()> done) {
    leaving_ = true;
    beat_.disarm();
    v1::LeaveRequest request;
    request.set_server_id(server_id_);
    call_options options;
    options.budget = 500ms;
    options.wait_for_connection = false;
    link_->call(leave_method, request.SerializeAsString(), options, [self = shared_from_this(), done](auto) {
        self->link_->close();
        done();
    });
}

void membership::leave_and_wait(const std::function<void()>& then) {
    std::promise<void> left;
    home_.post([&] {
        leave([&] {
            then();
            left.set_value();
        });
    });
    left.get_future().wait();
}

} // namespace stadion::net
