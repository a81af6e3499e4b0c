#include "dispatcher/service/fleet_service.hpp"

#include "net/os/limited_log.hpp"
#include "wire/printable.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>

namespace stadion::dispatcher {
namespace {

// A server can join again and again, so these lines are limited. The registry admits no address that could
// break a line.
net::limited_log membership_log{std::chrono::seconds{10}, 100};

using balancer::server_state;

balancer::time_point now() { return std::chrono::steady_clock::now(); }
clocksync::instant instant_now() { return now().time_since_epoch(); }

std::uint64_t random_number() {
    std::random_device source;
    return std::uint64_t{source()} << 32 | source();
}

wire::error not_on_own_connection(std::uint32_t server) {
    return wire::make_error(wire::status::permission_denied,
                            "server " + std::to_string(server) + " speaks for itself, on its own connection");
}

balancer::scaler_settings scaling_of(const fleet_options& options) {
    balancer::scaler_settings settings;
    settings.servers_min = std::max(1u, options.wanted.front_ends);
    settings.servers_max = std::max(settings.servers_min, options.servers_max);
    return settings;
}

} // namespace

fleet_service::fleet_service(net::worker& home, fleet_options options, state_file state)
    : home_(home),
      options_(std::move(options)),
      state_(std::move(state)),
      children_(std::make_unique<supervisor_driver>(home, options_.children)),
      scaler_(scaling_of(options_)),
      ticker_(home.context()) {
    children_->on_change = [this] {
        const auto persisted =
            persist([this](auto& content) { content.children = children_->table().running(); });
        if (!persisted) spdlog::error("the children are not remembered: {}", persisted.error().message);
    };
}

wire::result<void> fleet_service::persist_start() {
    const auto persisted = persist([](persistent_state& content) {
        ++content.starts;
        while (content.ring_key == 0) content.ring_key = random_number();
    });
    if (!persisted) return persisted;
    const auto& content = state_.content();
    registry_ = std::make_unique<registry>(
        options_.registry,
        registry_origin{content.starts, balancer::server_id{content.next_server_id}, content.lock.epoch});
    lock_ = std::make_unique<clocksync::election_lock>(options_.lock, content.lock, instant_now());
    writer_ = std::make_unique<writer_authority>(content.writer, now());
    const auto& beats = options_.registry.members;
    fleet_ring_settings how;
    how.await_for = beats.heartbeat_period * beats.misses_max;
    how.paused_after = beats.heartbeat_period;
    ring_ = std::make_unique<fleet_ring>(content.ring, instant_now(), how);
    return {};
}

wire::result<void> fleet_service::begin(const std::string& own_address) {
    const auto plan = plan_adoption(state_.content().children, options_.wanted, is_running);
    if (!plan) return plan.error();
    children_->begin(*plan, own_address);
    settle();
    tick();
    return {};
}

void fleet_service::stop(std::chrono::milliseconds bound, std::function<void()> done) {
    stopping_ = true;
    children_->stop(bound, [this, done = std::move(done)] {
        ticker_.cancel();
        done();
    });
}

std::string fleet_service::address_awaited() const {
    for (const auto& child : state_.content().children)
        if (is_running(child)) return child.dispatcher;
    return {};
}

wire::result<void> fleet_service::persist(const std::function<void(persistent_state&)>& change) {
    auto next = state_.content();
    change(next);
    return state_.change(std::move(next));
}

// --- requests ---

wire::result<v1::AssignResponse> fleet_service::assign(const v1::AssignRequest& request) {
    if (stopping_) return wire::make_error(wire::status::unavailable, "the fleet is stopping");
    return registry_->assign(request, now());
}

// A server that joined on a lasting connection must send its requests on that one.
bool fleet_service::speaks_for(std::uint32_t server, balancer::connection_id connection) const {
    const auto* const found = registry_->find(balancer::server_id{server});
    return found == nullptr || found->connection == balancer::connection_id::none ||
           found->connection == connection;
}

void fleet_service::check_pause() {
    const auto at = instant_now();
    if (!ring_->check_pause(at)) return;
    lock_->note_pause(at);
    spdlog::warn("this dispatcher did not run for a while: servers whose connection it has lost are awaited");
}

wire::result<v1::JoinResponse> fleet_service::join(const v1::JoinRequest& request,
                                                   balancer::connection_id connection) {
    check_pause();
    if (auto fine = may_join(request); !fine) return fine.error();
    auto answer = registry_->join(request, connection, now());
    if (!answer) return answer;
    const bool same = answer->server_id() == request.server_id();
    ring_->joined({answer->server_id(), same ? request.incarnation() : 0});
    auto persisted =
        persist([this](auto& content) { content.next_server_id = number(registry_->next_server_id()); });
    if (persisted) persisted = grant_writer(request, *answer);
    if (!persisted) {
        v1::LeaveRequest undo;
        undo.set_server_id(answer->server_id());
        (void)registry_->leave(undo).has_value();
        settle();
        return persisted.error();
    }
    membership_log.info(request.kind() + " " + std::to_string(answer->server_id()) + " at " +
                        request.address() + " has joined");
    // A child that was adopted before it had reported its port.
    for (const auto& child : children_->table().running())
        if (child.pid == request.pid() && child.kind == request.kind() && child.address.ends_with(":0"))
            children_->bound(child.pid, request.address());
    settle();
    *answer->mutable_view() = view();
    answer->set_ring_key(state_.content().ring_key);
    return answer;
}

wire::result<v1::HeartbeatResponse> fleet_service::heartbeat(const v1::HeartbeatRequest& request,
                                                             balancer::connection_id connection) {
    check_pause();
    if (!speaks_for(request.server_id(), connection)) return not_on_own_connection(request.server_id());
    auto answer = registry_->heartbeat(request, connection, now());
    if (answer) {
        writer_->note_position(request.server_id(), {request.board(), request.board_sequence()});
        if (writer_->is_writer(request.server_id())) answer->set_writer_epoch(writer_->record().epoch);
    }
    settle();
    return answer;
}

wire::result<v1::LeaveResponse> fleet_service::leave(const v1::LeaveRequest& request,
                                                     balancer::connection_id connection) {
    check_pause();
    if (!speaks_for(request.server_id(), connection)) return not_on_own_connection(request.server_id());
    auto answer = registry_->leave(request);
    settle();
    return answer;
}

void fleet_service::connection_lost(balancer::connection_id connection) {
    check_pause();
    registry_->connection_lost(connection);
    settle();
}

wire::result<v1::GetLeaderElectionLockResponse>
fleet_service::ask_lock(const v1::GetLeaderElectionLockRequest& request, balancer::connection_id connection) {
    check_pause();
    const auto decision =
        lock_->ask(instant_now(), request.server_id(), clocksync::election_reason_from(request.reason()),
                   speaks_for(request.server_id(), connection));
    if (decision.persist) {
        const auto persisted = persist([&](persistent_state& content) {
            content.lock = clocksync::to_persist(content.lock, *decision.persist);
        });
        // Nobody has heard of the epoch, and the next grant has a higher one.
        if (!persisted) return persisted.error();
        spdlog::info("server {} holds the election of epoch {} ({})", request.server_id(),
                     decision.answer.epoch, wire::printable(request.reason()));
        const std::lock_guard lock(summary_mutex_);
        summary_.election_by = request.server_id();
        summary_.election_reason = request.reason();
        summary_.election_at = now();
    }
    if (decision.silenced != 0) {
        registry_->drop_silent(balancer::server_id{decision.silenced});
        ring_->given_up(decision.silenced);
    }
    v1::GetLeaderElectionLockResponse answer;
    answer.set_granted(decision.answer.granted);
    answer.set_epoch(decision.answer.epoch);
    answer.set_lease_ms(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(decision.answer.lease).count()));
    answer.set_holder(decision.answer.holder);
    answer.set_leader_id(decision.answer.leader);
    answer.set_penalised(decision.answer.penalised);
    settle();
    return answer;
}

wire::result<v1::ReleaseLeaderElectionLockResponse>
fleet_service::release_lock(const v1::ReleaseLeaderElectionLockRequest& request,
                            balancer::connection_id connection) {
    const auto record = lock_->release(instant_now(), request.server_id(), request.epoch(),
                                       request.leader_id(), speaks_for(request.server_id(), connection));
    if (record) {
        spdlog::info("server {} leads in epoch {}", record->leader, record->epoch);
        const auto persisted = persist(
            [&](persistent_state& content) { content.lock = clocksync::to_persist(content.lock, *record); });
        if (!persisted) spdlog::error("the leader is not remembered: {}", persisted.error().message);
    }
    settle();
    return v1::ReleaseLeaderElectionLockResponse{};
}

wire::result<v1::Server> fleet_service::forward_target(std::string_view service,
                                                       const std::vector<std::string>& except) {
    return registry_->forward_target(service, except);
}

// --- what follows from an event ---

void fleet_service::tick() {
    check_pause();
    registry_->tick(now());
    if (!stopping_ && now() - scaled_at_ >= options_.registry.members.heartbeat_period) {
        scaled_at_ = now();
        scale();
        stop_drained();
    }
    settle();
    ticker_.expires_after(registry_->tick_interval());
    ticker_.async_wait([this](net::error_code failure) {
        if (!failure) tick();
    });
}

const balancer::member* fleet_service::member_at(std::string_view address) const {
    for (const auto& [id, server] : registry_->members())
        if (server.address == address) return &server;
    return nullptr;
}

std::vector<balancer::front_end_load> fleet_service::loads_with_children() const {
    auto loads = registry_->front_end_loads();
    for (const auto& child : children_->table().all())
        if (child.kind == "frontend" && member_at(child.address) == nullptr)
            loads.push_back({balancer::server_id::none, server_state::starting, 0, options_.capacity});
    return loads;
}

void fleet_service::scale() {
    const auto decision = scaler_.decide(loads_with_children(), now());
    if (decision.what == balancer::scaling::action::start) {
        auto address = free_front_end_address(children_->table().all(), options_.wanted);
        spdlog::info("the fleet fills up: one more front-end at {}", address);
        children_->want("frontend", std::move(address));
    }
    if (decision.what == balancer::scaling::action::drain) {
        spdlog::info("the fleet is far from full: draining front-end {}", number(decision.whom));
        (void)registry_->give_order(decision.whom, v1::HeartbeatResponse::DRAIN).has_value();
    }
}

void fleet_service::stop_drained() {
    for (const auto& load : registry_->front_end_loads()) {
        const auto* server = registry_->find(load.id);
        if (server->order != balancer::server_order::drain || load.clients != 0) continue;
        children_->retire(server->pid, server->address);
        (void)registry_->give_order(load.id, v1::HeartbeatResponse::STOP).has_value();
    }
}

void fleet_service::settle() {
    report_departures();
    persist_writer();
    follow_ring();
    registry_->set_epoch(lock_->record().epoch);
    note_children_up();
    publish();
}

void fleet_service::report_departures() {
    using balancer::departure_reason;
    for (const auto& gone : registry_->take_departures()) {
        if (gone.reason == departure_reason::left || gone.reason == departure_reason::replaced)
            ring_->given_up(number(gone.last.id));
        const bool goodbye = gone.reason == departure_reason::left && !stopping_;
        writer_->departed(number(gone.last.id), goodbye, now());
        membership_log.info(gone.last.kind + " " + std::to_string(number(gone.last.id)) + " at " +
                            gone.last.address + " is gone: " + std::string(balancer::to_text(gone.reason)));
    }
}

void fleet_service::follow_ring() {
    if (ring_->follow(registry_->members(), instant_now())) ring_persisted_ = false;
    if (ring_persisted_) return;
    (void)lock_->set_members(instant_now(), ring_->record().ring).has_value();
    const auto persisted = persist([&](persistent_state& content) {
        content.ring = ring_->record();
        content.lock = clocksync::to_persist(content.lock, lock_->record());
    });
    ring_persisted_ = persisted.has_value();
    if (!persisted) spdlog::error("the ring is not remembered: {}", persisted.error().message);
}

void fleet_service::note_children_up() {
    std::uint32_t front_ends = 0;
    bool database = !options_.wanted.database;
    for (const auto& child : children_->table().running()) {
        const auto* server = member_at(child.address);
        if (server == nullptr || server->state != server_state::up) continue;
        front_ends += child.kind == "frontend";
        database = database || child.kind == "dbserver";
        if (announced_.insert(child.pid).second && on_child_up) on_child_up(child.kind, child.address);
    }
    if (complete_ || !database || front_ends < options_.wanted.front_ends) return;
    complete_ = true;
    if (on_complete) on_complete();
}

void fleet_service::publish() {
    fleet_summary fresh = summary();
    fresh.front_ends_up = 0;
    fresh.clients = fresh.capacity = 0;
    fresh.leader_address.clear();
    fresh.ring.clear();
    for (const auto& one : ring_->record().ring) fresh.ring.push_back(one.id);
    fresh.view_number = registry_->view_number();
    fresh.epoch = registry_->epoch();
    fresh.leader = lock_->record().leader;
    for (const auto& [id, server] : registry_->members()) {
        if (number(id) == fresh.leader) fresh.leader_address = server.address;
        if (server.kind != "frontend" || server.state != server_state::up) continue;
        ++fresh.front_ends_up;
        fresh.clients += server.clients;
        fresh.capacity += server.capacity;
    }
    {
        const std::lock_guard lock(summary_mutex_);
        summary_ = std::move(fresh);
    }
    const view_version fresh_version{
        registry_->view_number(), ring_->record().number,  lock_->record().epoch,   lock_->record().leader,
        is_ring_pending(),        writer_->record().epoch, writer_->record().board, writer_->has_writer()};
    if (std::exchange(published_, fresh_version) != fresh_version && on_view) on_view(view());
}

v1::View fleet_service::view() const {
    auto answer = registry_->view();
    answer.set_leader_id(lock_->record().leader);
    answer.set_ring_pending(is_ring_pending());
    if (writer_->has_writer()) {
        answer.set_writer_id(writer_->record().server_id);
        answer.set_writer_epoch(writer_->record().epoch);
        answer.set_writer_board(writer_->record().board);
    }
    if (answer.ring_pending()) return answer;
    for (auto& one : *answer.mutable_servers()) one.set_incarnation(ring_->incarnation_of(one.server_id()));
    return answer;
}

fleet_summary fleet_service::summary() const {
    const std::lock_guard lock(summary_mutex_);
    return summary_;
}

} // namespace stadion::dispatcher
