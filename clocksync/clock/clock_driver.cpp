#include "clocksync/clock/clock_driver.hpp"

#include "net/rpc/stale_epoch.hpp"
#include "net/server/on_worker.hpp"
#include "net/session/http_session.hpp"
#include "wire/method_numbers.hpp"

#include <nlohmann/json.hpp>

namespace stadion::clocksync {
namespace {

constexpr auto inside = net::roles(net::role::server);
constexpr auto ours = "LOCAL";
constexpr duration resolution = std::chrono::microseconds(1); // of the times in answers

std::int64_t system_time_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

duration ns(std::int64_t count) { return duration(count); }

void set_reading(v1::ClockReading& to, const clock_reply& from) {
    to.set_round(from.round);
    to.set_index(from.index);
    to.set_local_received_ns(from.received.count());
    to.set_local_sent_ns(from.sent.count());
    to.set_target_ns(from.target);
    to.set_rate(from.rate);
    to.set_error_ns(from.error.count());
    to.set_drift_bound(from.drift_bound);
    to.set_synchronised(from.synchronised);
    to.set_corrected_epoch(from.corrected);
    to.set_incarnation(from.incarnation);
}

clock_reply to_reply(epoch_number epoch, const v1::ClockReading& from) {
    clock_reply reply;
    reply.epoch = epoch;
    reply.round = from.round();
    reply.index = from.index();
    reply.received = ns(from.local_received_ns());
    reply.sent = ns(from.local_sent_ns());
    reply.target = from.target_ns();
    reply.rate = from.rate();
    reply.error = ns(from.error_ns());
    reply.drift_bound = from.drift_bound();
    reply.synchronised = from.synchronised();
    reply.corrected = from.corrected_epoch();
    reply.incarnation = from.incarnation();
    return reply;
}

v1::AdjustClockRequest to_request(const send_correction& from) {
    const clock_correction& exact = from.message;
    v1::AdjustClockRequest request;
    request.set_epoch(exact.epoch);
    request.set_ring_key(exact.key);
    request.set_offset_us(from.offset.count() / 1000);
    request.set_rate_ppb(exact.rate * 1e9);
    auto& to = *request.mutable_correction();
    to.set_round(exact.round);
    to.set_incarnation(exact.incarnation);
    to.set_local_at_ns(exact.at.count());
    to.set_target_ns(exact.target);
    to.set_rate(exact.rate);
    to.set_bound_ns(exact.bound.count());
    to.set_drift_bound(exact.drift_bound);
    to.set_local_measured_ns(exact.measured.count());
    to.set_offset_ns(from.offset.count());
    return request;
}

clock_correction to_correction(const v1::AdjustClockRequest& request) {
    const auto& from = request.correction();
    clock_correction exact;
    exact.epoch = request.epoch();
    exact.round = from.round();
    exact.incarnation = from.incarnation();
    exact.at = ns(from.local_at_ns());
    exact.target = from.target_ns();
    exact.rate = from.rate();
    exact.bound = ns(from.bound_ns());
    exact.drift_bound = from.drift_bound();
    exact.measured = ns(from.local_measured_ns());
    exact.key = request.ring_key();
    return exact;
}

// Rounded up to a tenth.
double bound_us(duration of) { return std::ceil(static_cast<double>(of.count()) / 100) / 10; }
double microseconds(duration of) { return std::round(static_cast<double>(of.count()) / 100) / 10; }

} // namespace

clock_driver::clock_driver(net::worker& home, net::peer_links& peers, clock_driver_options options)
    : home_(home),
      peers_(peers),
      options_(std::move(options)),
      local_(options_.drift_ppm),
      timer_(home.context()) {}

void clock_driver::add_to(net::server& server) {
    const auto self = shared_from_this();
    server.rpc().on<v1::GetClockRequest>(
        "Peer", "GetClock", inside,
        [self](const v1::GetClockRequest& request, net::call&) -> wire::result<v1::GetClockResponse> {
            return self->answer(request);
        });
    net::add_call_on_worker<v1::AdjustClockRequest>(
        server, home_, "Peer", "AdjustClock", inside,
        [self](const v1::AdjustClockRequest& request) { return self->adjust(request); });
    server.http().on(net::http_method::get, "/getClock", net::anyone, [self](const net::http_request&) {
        const auto summary = self->now();
        return net::json_response(nlohmann::ordered_json{{"time_us", summary.time_us},
                                                         {"error_us", bound_us(summary.error)},
                                                         {"epoch", summary.epoch},
                                                         {"state", summary.state}}
                                      .dump() +
                                  "\n");
    });
    server.add_status([self](nlohmann::ordered_json& status) {
        const auto summary = self->now();
        auto& clock = status["clock"];
        clock = {{"error_us", bound_us(summary.error)},
                 {"rate_ppb", std::llround(summary.rate * 1e9)},
                 {"state", summary.state}};
        if (!self->options_.enabled) return;
        clock["offset_us"] = microseconds(summary.offset);
        clock["time_us"] = summary.time_us;
        if (self->options_.drift_ppm != 0) clock["injected_drift_ppm"] = self->options_.drift_ppm;
        if (summary.others.empty()) return;
        clock["rounds_led"] = summary.rounds;
        for (const auto& [id, offset] : summary.others)
            clock["servers"].push_back({{"server_id", id}, {"offset_us", microseconds(offset)}});
    });
}

// ---- view and leader

void clock_driver::become(ring_member self) {
    self_ = self;
    machine_.emplace(options_.machine, self, cluster_clock(options_.clock, local_.now(), system_time_ns()),
                     key_);
}

void clock_driver::set_ring_key(ring_key key) {
    key_ = key;
    if (machine_) machine_->set_ring_key(key);
}

void clock_driver::on_view(server_id self, const fleet_view& view) {
    if (closed_ || !options_.enabled) return;
    const ring_member* const me = find_member(view.ring, self);
    if (machine_ && (me == nullptr || *me != self_)) machine_->clock().exclude();
    if (me == nullptr) return publish();
    const bool is_first = !machine_;
    if (is_first) become(*me);
    self_ = *me;
    perform(machine_->on_view(local_.now(), view));
    if (is_first) perform(machine_->on_leader(local_.now(), epoch_, leader_));
}

void clock_driver::on_leader(epoch_number epoch, server_id leader) {
    epoch_ = epoch;
    leader_ = leader;
    if (machine_ && !closed_) perform(machine_->on_leader(local_.now(), epoch, leader));
}

void clock_driver::close() {
    closed_ = true;
    timer_.cancel();
}

// ---- requests of peers

v1::GetClockResponse clock_driver::answer(const v1::GetClockRequest& request) {
    const instant received = local_.now();
    v1::GetClockResponse response;
    auto shown = published();
    if (!shown || !request.has_probe()) {
        const auto summary = now();
        response.set_time_us(static_cast<std::uint64_t>(summary.time_us));
        response.set_error_us(static_cast<std::uint64_t>(std::ceil(bound_us(summary.error))));
        response.set_state(summary.state);
        response.set_epoch(summary.epoch);
        return response;
    }
    const clock_probe probe{request.probe().epoch(), request.probe().round(), request.probe().index(),
                            request.probe().ring_key()};
    if (probe.epoch > shown->epoch && is_from_ring(shown->key, probe.key)) {
        shown->epoch = probe.epoch;
        home_.post([weak = weak_from_this(), probe] {
            const auto self = weak.lock();
            if (!self || self->closed_) return;
            (void)self->machine_->on_probe(self->local_.now(), probe);
            self->publish();
            self->arm();
        });
    }
    clock_reply reply = answer_probe(*shown, received, probe);
    reply.sent = local_.now();
    reply.target = shown->line.target_at(reply.sent);
    response.set_epoch(reply.epoch);
    set_reading(*response.mutable_reading(), reply);
    return response;
}

wire::result<v1::AdjustClockResponse> clock_driver::adjust(const v1::AdjustClockRequest& request) {
    using wire::status;
    if (!machine_ || closed_)
        return wire::make_error(status::failed_precondition,
                                options_.enabled ? "this server is in no fleet yet"
                                                 : "clock synchronisation is switched off (--clock-sync)");
    if (!request.has_correction())
        return wire::make_error(status::invalid_argument, "correction: must be there");
    if (!machine_->on_correction(local_.now(), to_correction(request)))
        return net::not_granted(machine_->clock().epoch(), leader_);
    offset_ = -ns(request.correction().offset_ns());
    publish();
    arm();
    return v1::AdjustClockResponse{};
}

// ---- the machine's actions

void clock_driver::perform(const berkeley_actions& actions) {
    for (const auto& action : actions) std::visit([this](const auto& what) { send(what); }, action);
    publish();
    arm();
}

void clock_driver::send(const send_probe& what) {
    v1::GetClockRequest request;
    auto& probe = *request.mutable_probe();
    probe.set_epoch(what.message.epoch);
    probe.set_round(what.message.round);
    probe.set_index(what.message.index);
    probe.set_ring_key(what.message.key);
    net::call_options how;
    how.budget = std::chrono::duration_cast<std::chrono::milliseconds>(options_.machine.burst_timeout);
    how.wait_for_connection = false;
    peers_.call(what.to, wire::rpc::peer_get_clock, request.SerializeAsString(), how,
                [weak = weak_from_this(), from = what.to](auto got) {
                    const auto self = weak.lock();
                    if (!self || self->closed_ || !got) return; // probed again after the timeout
                    const instant received = self->local_.now();
                    v1::GetClockResponse response;
                    if (!response.ParseFromArray(got->body.data(), static_cast<int>(got->body.size())))
                        return;
                    self->perform(self->machine_->on_reply(received, from,
                                                           to_reply(response.epoch(), response.reading())));
                });
}

void clock_driver::send(const send_correction& what) {
    net::call_options how;
    how.budget = std::chrono::duration_cast<std::chrono::milliseconds>(options_.machine.period_max);
    how.wait_for_connection = false;
    peers_.call(what.to, wire::rpc::peer_adjust_clock, to_request(what).SerializeAsString(), how,
                [weak = weak_from_this()](auto got) {
                    const auto self = weak.lock();
                    if (!self || self->closed_ || got) return;
                    const auto epoch = net::epoch_of(got.error());
                    if (!epoch) return;
                    self->machine_->on_refused(*epoch);
                    self->perform({});
                });
}

// The timer is moved only to an earlier time. When it fires too early it is armed again.
void clock_driver::arm() {
    const instant due = machine_->deadline();
    if (closed_ || due >= armed_) return;
    armed_ = due;
    timer_.expires_at(local_.due(due));
    timer_.async_wait([weak = weak_from_this()](net::error_code cancelled) {
        const auto self = weak.lock();
        if (cancelled || !self || self->closed_) return;
        self->armed_ = never;
        const instant now = self->local_.now();
        if (now >= self->machine_->deadline())
            self->perform(self->machine_->tick(now));
        else
            self->arm();
    });
}

// ---- what all threads read

void clock_driver::publish() {
    if (!machine_) return;
    cluster_clock& clock = machine_->clock();
    // The first correction may set the clock; from then on readings never fall.
    if (clock.line().synchronised && !clock.serving()) clock.begin_service();
    if (machine_->leads())
        if (const auto own = machine_->offsets().find(self_.id); own != machine_->offsets().end())
            offset_ = own->second;
    const std::lock_guard lock(published_mutex_);
    published_ = machine_->published();
    shown_offset_ = offset_;
    rounds_ = machine_->round();
    if (machine_->leads())
        others_ = machine_->offsets();
    else
        others_.clear();
}

std::optional<published_clock> clock_driver::published() const {
    const std::lock_guard lock(published_mutex_);
    return published_;
}

clock_summary clock_driver::now() const {
    const std::lock_guard lock(published_mutex_);
    clock_summary summary;
    summary.state = ours;
    summary.time_us = system_time_ns() / 1000;
    if (!published_) return summary;
    const clock_line& line = published_->line;
    const instant local = local_.now();
    summary.state = to_string(line.state_at(local));
    summary.time_us = line.reading_at(local) / 1000;
    summary.error = line.error_at(local) + resolution;
    summary.offset = shown_offset_;
    summary.rate = line.rate;
    summary.epoch = published_->epoch;
    summary.rounds = rounds_;
    summary.others = others_;
    return summary;
}

std::optional<clock_driver::reading> clock_driver::read_at(instant monotonic) const {
    const auto shown = published();
    if (!shown) return std::nullopt;
    const instant local = local_.at(monotonic);
    return reading{shown->line.reading_at(local), shown->line.error_at(local), shown->line.state_at(local)};
}

std::int64_t clock_driver::stamp_us() const {
    const std::lock_guard lock(published_mutex_);
    const bool corrected = published_ && published_->corrected != 0;
    const std::int64_t shown = corrected ? published_->line.reading_at(local_.now()) : system_time_ns();
    return last_stamp_us_ = std::max(last_stamp_us_, shown / 1000);
}

} // namespace stadion::clocksync
