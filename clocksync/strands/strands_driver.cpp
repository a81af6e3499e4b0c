#include "clocksync/strands/strands_driver.hpp"

#include "clocksync/order/order_methods.hpp"
#include "clocksync/ring/fleet_view.hpp"
#include "net/session/metric_family.hpp"
#include "wire/method_numbers.hpp"

#include <nlohmann/json.hpp>

#include <random>

namespace stadion::clocksync {
namespace {

constexpr auto frames_budget = std::chrono::seconds(2);

election_driver_options electing(const strand_settings& settings, const std::string& node,
                                 const std::string& token) {
    election_driver_options options;
    options.enabled = settings.leader_election;
    options.machine = election_settings::with_silence(std::chrono::milliseconds(settings.leader_silence_ms));
    options.node = node;
    options.token = token;
    return options;
}

double some_drift(int within_ppm) {
    std::random_device seed;
    return std::uniform_real_distribution<double>(-within_ppm, within_ppm)(seed);
}

} // namespace

strands_driver::strands_driver(net::worker& home, net::server& server, const strand_settings& settings,
                               bool in_fleet, const std::string& token)
    : server_(server),
      election_(std::make_shared<election_driver>(home, electing(settings, server.context().kind, token))) {
    election_->add_to(server);

    const bool led = in_fleet && settings.leader_election;
    clock_driver_options timing;
    timing.enabled = led && settings.clock_sync;
    if (settings.clock_drift_ppm != 0) timing.drift_ppm = some_drift(settings.clock_drift_ppm);
    clock_ = std::make_shared<clock_driver>(home, election_->peers(), timing);
    clock_->add_to(server);

    if (led && settings.raffle) start_raffle(home, settings.raffle_every);
    election_->on_leader = [clock = clock_, raffle = raffle_](epoch_number epoch, server_id leader) {
        clock->on_leader(epoch, leader);
        if (raffle) raffle->on_leader(epoch, leader);
    };
    add_metrics();
}

void strands_driver::start_raffle(net::worker& home, std::uint32_t every) {
    raffle_settings drawing;
    drawing.every = every;
    raffle_ = std::make_shared<raffle_driver>(
        home, drawing,
        [weak = std::weak_ptr(election_), &server = server_](server_id to, ring_key key, std::string frames) {
            const auto links = weak.lock();
            if (!links) return;
            v1::OrderRequest request;
            request.set_from(server.context().server_id);
            request.set_frames(std::move(frames));
            request.set_ring_key(key);
            net::call_options how;
            how.budget = frames_budget;
            how.wait_for_connection = false; // the order sends it again when the peer is up
            links->peers().call(to, wire::rpc::peer_order, request.SerializeAsString(), how,
                                [](const auto&) {});
        });
    election_->peers().on_up = [raffle = raffle_](server_id peer) { raffle->on_peer_up(peer); };
    add_order_methods(server_, [raffle = raffle_](server_id from, ring_key key, std::string frames) {
        return raffle->on_frames(from, key, std::move(frames));
    });
    server_.add_status([raffle = raffle_](nlohmann::ordered_json& status) {
        const auto now = raffle->log().now(false);
        const auto& order = raffle->order();
        status["order"] = {
            {"view", {{"epoch", order.view_epoch.load()}, {"serial", order.view_serial.load()}}},
            {"members", order.members.load()},
            {"index", order.index.load()},
            {"lag", order.lag.load()}};
        status["raffle"] = {{"requests", now.requests}, {"hash", now.hash}, {"missed", raffle->missed()}};
    });
}

void strands_driver::on_joined(server_id self, epoch_number epoch, ring_key key,
                               const std::shared_ptr<net::link>& dispatcher) {
    self_ = self;
    server_.context().server_id = self;
    server_.context().epoch = epoch;
    clock_->set_ring_key(key);
    if (raffle_) raffle_->set_ring_key(key);
    election_->on_joined(self, server_.address(), epoch, key, dispatcher);
}

// The ring first, so that a leader the view names is in it.
void strands_driver::on_view(const v1::View& view) {
    const auto fleet = to_fleet_view(view);
    if (!fleet.pending) clock_->on_view(self_, fleet);
    if (!fleet.pending && raffle_) raffle_->on_view(self_, fleet);
    election_->on_view(view, fleet);
}

void strands_driver::add_load(double load) { election_->add_load(load); }

void strands_driver::close() {
    if (raffle_) raffle_->close();
    clock_->close();
    election_->close();
}

void strands_driver::add_metrics() {
    server_.add_metrics([election = election_, clock = clock_, raffle = raffle_](auto& families) {
        using prometheus::MetricType;
        const auto add = [&](const char* name, const char* help, double value) {
            families.push_back(net::metric_family(name, help, MetricType::Gauge));
            families.back().metric.push_back(net::gauge_value(value));
        };
        const auto count = [&](const char* name, const char* help, std::uint64_t value) {
            families.push_back(net::metric_family(name, help, MetricType::Counter));
            families.back().metric.push_back(net::counter_value(value));
        };
        const auto led = election->now();
        add("stadion_epoch", "The election's epoch that this server knows.", static_cast<double>(led.epoch));
        add("stadion_leader", "The server that it follows; 0: none.", led.leader);
        count("stadion_elections_total", "Leaders that it has followed.", led.elections);
        add("stadion_score", "Its spare capacity, by which leaders are elected.", led.score);

        const auto time = clock->now();
        const auto seconds = [](duration of) { return static_cast<double>(of.count()) / 1e9; };
        add("stadion_clock_error_seconds", "Bound of the cluster clock's error.", seconds(time.error));
        add("stadion_clock_offset_seconds", "How far ahead the last correction found it.",
            seconds(time.offset));
        add("stadion_clock_rate", "Cluster seconds per local second, less 1.", time.rate);
        if (!raffle) return;

        const auto& order = raffle->order();
        add("stadion_order_members", "Members of the order's view.",
            static_cast<double>(order.members.load()));
        count("stadion_order_delivered_total", "Messages delivered in total order.", order.index.load());
        add("stadion_order_lag", "Own messages not delivered yet.", static_cast<double>(order.lag.load()));
        count("stadion_order_refused_total", "Messages refused because the order was full.",
              order.refused.load());
        count("stadion_raffle_requests_total", "Requests that take part in the raffle.",
              raffle->log().now(false).requests);
        count("stadion_raffle_missed_total", "Requests not counted for want of room.", raffle->missed());
    });
}

} // namespace stadion::clocksync
