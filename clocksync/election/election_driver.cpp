#include "clocksync/election/election_driver.hpp"

#include "net/rpc/stale_epoch.hpp"
#include "net/server/on_worker.hpp"
#include "net/session/http_session.hpp"
#include "wire/json.hpp"
#include "wire/method_numbers.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <cmath>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

constexpr auto inside = net::roles(net::role::server);
constexpr double score_step = 0.1; // finer differences in spare capacity are noise

instant monotonic() {
    return std::chrono::duration_cast<instant>(std::chrono::steady_clock::now().time_since_epoch());
}

} // namespace

election_driver::election_driver(net::worker& home, election_driver_options options)
    : home_(home),
      options_(std::move(options)),
      peers_(home, options_.node, options_.token),
      timer_(home.context()) {
    peers_.on_down = [this](server_id peer) {
        if (machine_) perform_all(machine_->on_peer_down(monotonic(), peer));
    };
}

void election_driver::add_to(net::server& server) {
    context_ = &server.context();
    const auto self = shared_from_this();
    const auto run = [&]<typename Request>(std::string_view method, std::string_view path, auto member) {
        net::add_on_worker<Request>(
            server, home_, "Peer", method, path, inside,
            [self, member](const Request& request) { return ((*self).*member)(request); });
    };
    run.operator()<v1::NewElectionRequest>("NewElection", "/newElection", &election_driver::new_election);
    run.operator()<v1::PassElectionRequest>("PassElection", "/passElection", &election_driver::pass_election);
    run.operator()<v1::CoordinatorMessageRequest>("CoordinatorMessage", "/coordinatorMessage",
                                                  &election_driver::take_coordinator);
    server.add_status([self](nlohmann::ordered_json& status) {
        const auto summary = self->now();
        if (summary.leader != 0)
            status["leader"] = {{"server_id", summary.leader}, {"address", summary.leader_address}};
        if (!self->options_.enabled) return;
        status["election"] = {{"ring", summary.ring},
                              {"reason", summary.reason},
                              {"elections", summary.elections},
                              {"followed_at_us", summary.followed_at.count() / 1000},
                              {"score", summary.score}};
    });
}

void election_driver::on_joined(server_id self, const std::string& address, epoch_number epoch, ring_key key,
                                const std::shared_ptr<net::link>& dispatcher) {
    if (!options_.enabled || closed_) return;
    address_ = address;
    dispatcher_ = dispatcher;
    if (machine_ && self == self_) return machine_->set_ring_key(key); // it only reconnected
    self_ = self;
    machine_.emplace(options_.machine, self, epoch, key, monotonic());
    machine_->add_score_sample(1);
    arm();
}

void election_driver::on_view(const v1::View& view, const fleet_view& fleet) {
    if (!machine_ || closed_) return;
    if (fleet.pending) return perform_all(machine_->on_view(monotonic(), fleet));
    std::map<std::uint32_t, std::string> others;
    for (const auto& one : view.servers())
        if (one.incarnation() != 0 && one.server_id() != self_) others[one.server_id()] = one.address();
    peers_.follow(others);
    perform_all(machine_->on_view(monotonic(), fleet));
}

void election_driver::add_load(double load) {
    if (machine_) machine_->add_score_sample(std::round((1 - load) / score_step) * score_step);
}

void election_driver::close() {
    closed_ = true;
    timer_.cancel();
    peers_.close();
    machine_.reset();
}

// ---- requests of peers and operators

wire::result<void> election_driver::check_running() const {
    if (!options_.enabled)
        return wire::make_error(wire::status::failed_precondition,
                                "leader election is switched off (--leader-election)");
    if (!machine_) return wire::make_error(wire::status::unavailable, "this server is in no fleet yet");
    return {};
}

wire::result<v1::NewElectionResponse> election_driver::new_election(const v1::NewElectionRequest&) {
    if (auto running = check_running(); !running) return running.error();
    perform_all(machine_->on_requested(monotonic()));
    v1::NewElectionResponse answer;
    answer.set_epoch(machine_->epoch());
    return answer;
}

wire::result<v1::PassElectionResponse>
election_driver::pass_election(const v1::PassElectionRequest& request) {
    if (auto running = check_running(); !running) return running.error();
    clocksync::pass_election message{request.epoch(),
                                     request.initiator(),
                                     request.best_id(),
                                     request.best_score(),
                                     {request.visited().begin(), request.visited().end()},
                                     request.penalised(),
                                     request.ring_key()};
    if (auto taken = perform(machine_->on_pass(monotonic(), 0, std::move(message))); !taken)
        return taken.error();
    return v1::PassElectionResponse{};
}

wire::result<v1::CoordinatorMessageResponse>
election_driver::take_coordinator(const v1::CoordinatorMessageRequest& request) {
    if (auto running = check_running(); !running) return running.error();
    const coordinator_message message{request.epoch(), request.leader_id(), request.beat(), request.score(),
                                      request.ring_key()};
    if (auto taken = perform(machine_->on_coordinator(monotonic(), 0, message)); !taken) return taken.error();
    return v1::CoordinatorMessageResponse{};
}

// ---- the machine's actions

void election_driver::perform_all(const election_actions& actions) { (void)perform(actions).has_value(); }

// The error, if any, is the refusal for the sender of the message that caused these actions.
wire::result<void> election_driver::perform(const election_actions& actions) {
    wire::result<void> refused;
    for (const auto& action : actions) {
        if (const auto* wanted = std::get_if<ask_lock>(&action)) {
            ask(wanted->reason);
        } else if (const auto* done = std::get_if<release_lock>(&action)) {
            release(*done);
        } else if (const auto* pass = std::get_if<send_pass>(&action)) {
            send(*pass);
        } else if (const auto* news = std::get_if<send_coordinator>(&action)) {
            send(news->to, wire::rpc::peer_coordinator_message, to_request(news->message).SerializeAsString(),
                 !news->message.beat);
        } else if (const auto* question = std::get_if<ask_leader>(&action)) {
            send(*question);
        } else if (const auto* refusal = std::get_if<refuse>(&action)) {
            refused = net::not_granted(refusal->epoch, refusal->leader);
        } else if (const auto* changed = std::get_if<leader_changed>(&action)) {
            if (changed->leader != 0)
                spdlog::info("follows leader {} under epoch {}", changed->leader, changed->epoch);
            if (on_leader) on_leader(changed->epoch, changed->leader);
        }
    }
    publish();
    arm();
    return refused;
}

void election_driver::ask(election_reason reason) {
    v1::GetLeaderElectionLockRequest request;
    request.set_server_id(self_);
    request.set_reason(std::string(to_string(reason)));
    net::call_options how;
    how.budget = std::chrono::duration_cast<std::chrono::milliseconds>(options_.machine.ask_timeout);
    how.wait_for_connection = false;
    dispatcher_->call(wire::rpc::dispatcher_get_leader_election_lock, request.SerializeAsString(), how,
                      [weak = weak_from_this()](auto got) {
                          const auto self = weak.lock();
                          if (!self || !self->machine_) return;
                          v1::GetLeaderElectionLockResponse answer;
                          if (!got ||
                              !answer.ParseFromArray(got->body.data(), static_cast<int>(got->body.size())))
                              return self->perform_all(self->machine_->on_lock_failed(monotonic()));
                          lock_answer said;
                          said.granted = answer.granted();
                          said.epoch = answer.epoch();
                          said.lease = std::chrono::milliseconds(answer.lease_ms());
                          said.holder = answer.holder();
                          said.leader = answer.leader_id();
                          said.penalised = answer.penalised();
                          self->perform_all(self->machine_->on_lock_answer(monotonic(), said));
                      });
}

void election_driver::release(const release_lock& what) {
    v1::ReleaseLeaderElectionLockRequest request;
    request.set_server_id(self_);
    request.set_epoch(what.epoch);
    request.set_leader_id(what.leader);
    dispatcher_->call(wire::rpc::dispatcher_release_leader_election_lock, request.SerializeAsString(), {},
                      [](auto) {});
}

std::string election_driver::address_of(server_id server) const {
    return server == self_ ? address_ : peers_.address_of(server);
}

v1::CoordinatorMessageRequest election_driver::to_request(const coordinator_message& message) const {
    v1::CoordinatorMessageRequest request;
    request.set_epoch(message.epoch);
    request.set_leader_id(message.leader);
    request.set_leader_address(address_of(message.leader));
    request.set_beat(message.beat);
    request.set_score(message.score);
    request.set_ring_key(message.key);
    return request;
}

void election_driver::send(const send_pass& what) {
    v1::PassElectionRequest request;
    request.set_epoch(what.message.epoch);
    request.set_initiator(what.message.initiator);
    request.set_best_id(what.message.best_id);
    request.set_best_score(what.message.best_score);
    for (const auto id : what.message.visited) request.add_visited(id);
    request.set_penalised(what.message.penalised);
    request.set_ring_key(what.message.key);
    send(what.to, wire::rpc::peer_pass_election, request.SerializeAsString(), true);
}

void election_driver::send(const ask_leader& what) {
    send(what.to, wire::rpc::peer_coordinator_message, to_request(what.message).SerializeAsString(), false,
         true);
}

void election_driver::send(server_id to, std::uint16_t method, const std::string& body, bool wait,
                           bool asks) {
    net::call_options how;
    how.budget = std::chrono::duration_cast<std::chrono::milliseconds>(options_.machine.silence);
    how.wait_for_connection = wait;
    peers_.call(to, method, body, how, [weak = weak_from_this(), to, asks](auto got) {
        const auto self = weak.lock();
        if (!self || !self->machine_) return;
        if (got && asks) self->machine_->on_answer(monotonic(), to);
        if (got) return;
        if (const auto epoch = net::epoch_of(got.error()))
            self->perform_all(self->machine_->on_refused(monotonic(), *epoch));
    });
}

void election_driver::arm() {
    if (!machine_ || closed_) return;
    const auto due = machine_->deadline();
    if (due == never) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(due)));
    timer_.async_wait([weak = weak_from_this()](net::error_code failure) {
        const auto self = weak.lock();
        if (failure || !self || !self->machine_) return;
        self->perform_all(self->machine_->tick(monotonic()));
    });
}

void election_driver::publish() {
    if (context_ != nullptr) context_->epoch = machine_->epoch();
    const std::lock_guard lock(summary_mutex_);
    if (machine_->leader() != summary_.leader || machine_->epoch() != summary_.epoch) {
        summary_.followed_at = monotonic();
        summary_.elections += machine_->leader() != 0;
    }
    summary_.epoch = machine_->epoch();
    summary_.leader = machine_->leader();
    summary_.leader_address = address_of(summary_.leader);
    summary_.ring.clear();
    for (const auto& one : machine_->ring()) summary_.ring.push_back(one.id);
    summary_.reason = to_string(machine_->last_reason());
    summary_.score = machine_->score();
}

election_summary election_driver::now() const {
    const std::lock_guard lock(summary_mutex_);
    return summary_;
}

} // namespace stadion::clocksync
