#include "net/server/membership.hpp"

#include "net/os/limited_log.hpp"
#include "wire/method_numbers.hpp"
#include "wire/printable.hpp"

#include <unistd.h>

#include <algorithm>
#include <future>

namespace stadion::net {
namespace {

using namespace std::chrono_literals;

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
      dispatcher_(options.dispatcher),
      link_(std::make_shared<link>(home, link_options_of(options))),
      protocol_(std::move(options), static_cast<std::uint32_t>(::getpid())) {}

void membership::start() {
    link_->on_state = [weak = weak_from_this()](bool ready) {
        auto self = weak.lock();
        if (!self || self->protocol_.is_leaving()) return;
        self->following_ = false;
        self->timer_.disarm();
        self->perform(self->protocol_.on_link(ready));
    };
    link_->on_failure = [](const std::string& address, const std::string& why) {
        static limited_log log{10s};
        log.warn("cannot join the dispatcher at " + wire::printable(address) + " yet, trying on: ", why);
    };
    link_->connect({dispatcher_});
}

void membership::perform(membership_protocol::next next) {
    if (next.after) home_.arm(timer_, *next.after);
    if (next.what == membership_protocol::saying::join) join();
    if (next.what == membership_protocol::saying::heartbeat) beat();
}

void membership::join() {
    timer_.disarm();
    const auto request = protocol_.join(on_report ? on_report() : report{});
    link_->call(wire::rpc::dispatcher_join, request.SerializeAsString(), {},
                [weak = weak_from_this()](auto outcome) {
                    auto self = weak.lock();
                    if (!self || self->protocol_.is_leaving()) return;
                    v1::JoinResponse response;
                    if (outcome &&
                        response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size())))
                        return self->on_joined_reply(response);
                    const auto why =
                        outcome ? wire::make_error(wire::status::internal, "the answer to Join is broken")
                                : outcome.error();
                    if (why.code == wire::status::failed_precondition && self->on_refused)
                        self->on_refused(why);
                    self->perform(self->protocol_.on_join_failed(why));
                });
}

void membership::on_joined_reply(const v1::JoinResponse& response) {
    const auto next = protocol_.on_joined(response);
    if (on_joined) on_joined(server_id(), response.epoch());
    if (on_welcomed) on_welcomed(response);
    take_view(response.view());
    if (!std::exchange(following_, true)) follow_view();
    if (protocol_.is_joined()) perform(next); // else the view has dropped us again
}

void membership::follow_view() {
    link_->stream(
        wire::rpc::dispatcher_watch_view, {}, {},
        [weak = weak_from_this()](std::string_view body) {
            auto self = weak.lock();
            v1::View view;
            if (!self || !view.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
            self->take_view(view);
        },
        [](auto) {}); // ends with the connection, and begins again with the next
}

void membership::take_view(const v1::View& view) {
    if (!protocol_.is_joined() || protocol_.is_leaving()) return;
    const auto next = protocol_.on_view(view);
    if (on_view) on_view(view);
    perform(next);
}

void membership::beat() {
    const auto said = on_report ? on_report() : report{};
    const auto request = protocol_.heartbeat(said);
    call_options options;
    options.budget = protocol_.heartbeat_budget();
    link_->call(wire::rpc::dispatcher_heartbeat, request.SerializeAsString(), options,
                [weak = weak_from_this(), tickets = said.redeemed](auto outcome) {
                    auto self = weak.lock();
                    if (!self || self->protocol_.is_leaving()) return;
                    const auto next = self->protocol_.on_heartbeat_answered(
                        outcome || outcome.error().code != wire::status::not_found);
                    if (outcome) {
                        if (self->on_reported) self->on_reported(tickets);
                        v1::HeartbeatResponse response;
                        response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size()));
                        if (self->on_answer) self->on_answer(response);
                        if (response.order() != v1::HeartbeatResponse::NONE && self->on_order)
                            self->on_order(response.order());
                    }
                    self->perform(next);
                });
}

void membership::leave(std::function<void()> done) {
    protocol_.leave();
    timer_.disarm();
    v1::LeaveRequest request;
    request.set_server_id(server_id());
    call_options options;
    options.budget = 500ms;
    options.wait_for_connection = false;
    link_->call(wire::rpc::dispatcher_leave, request.SerializeAsString(), options,
                [self = shared_from_this(), done](auto) {
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
