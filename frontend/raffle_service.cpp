#include "frontend/raffle_service.hpp"

#include "wire/board_json.hpp"
#include "wire/json_text.hpp"
#include "wire/proto/raffle.pb.h"

#include <deque>

namespace stadion::frontend {
namespace {

using clocksync::raffle_draw;
using clocksync::request_run;

constexpr auto gather_for = std::chrono::milliseconds(20);
constexpr std::size_t runs_gathered_max = 4096;     // handed over at once
constexpr std::size_t watches_waiting_max = 65'536; // per worker, clients that left included

v1::Draw to_message(const raffle_draw& draw) {
    v1::Draw message;
    message.set_number(draw.number);
    message.set_request(draw.request);
    message.set_client_id(draw.client);
    message.set_server_id(draw.server);
    message.set_hash(draw.hash);
    return message;
}

v1::GetRaffleResponse to_message(const clocksync::raffle_log::standing& now) {
    v1::GetRaffleResponse response;
    response.set_enabled(true);
    response.set_every(now.every);
    response.set_requests(now.requests);
    response.set_since_us(now.since_us);
    if (now.since_us != 0)
        response.set_history(std::to_string(now.history.epoch) + '.' + std::to_string(now.history.serial));
    for (const raffle_draw& draw : now.draws) *response.add_draws() = to_message(draw);
    return response;
}

std::string to_json(const v1::GetRaffleResponse& from) {
    std::string out = from.enabled() ? "{\"enabled\":true" : "{\"enabled\":false";
    out += ",\"every\":" + std::to_string(from.every()) + ",\"requests\":" + std::to_string(from.requests());
    out += ",\"since\":";
    if (from.since_us() == 0)
        out += "null";
    else
        wire::append_json_seconds(out, static_cast<std::int64_t>(from.since_us()));
    out += ",\"history\":";
    wire::append_json_string(out, from.history());
    out += ",\"draws\":[";
    for (int i = 0; i < from.draws_size(); ++i) {
        if (i != 0) out += ',';
        wire::append_json(out, from.draws(i));
    }
    return out + "]}\n";
}

} // namespace

// Gathers the runs of one worker's clients.
class raffle_service::collector {
public:
    collector(net::worker& home, std::shared_ptr<clocksync::raffle_driver> driver)
        : home_(home), driver_(std::move(driver)) {}

    // False when too many are waiting.
    bool wait_for(std::shared_ptr<client_watch> one) {
        if (active_.size() == watches_waiting_max) return false;
        active_.push_back(std::move(one));
        if (active_.size() == 1) home_.arm(due_, gather_for);
        return true;
    }
    void note_missed(std::uint64_t requests) noexcept { driver_->note_missed(requests); }

private:
    void gather();

    net::worker& home_;
    std::shared_ptr<clocksync::raffle_driver> driver_;
    std::deque<std::shared_ptr<client_watch>> active_; // those that have a run
    net::member_deadline<collector, &collector::gather> due_{*this};
};

class raffle_service::client_watch final : public net::request_watch,
                                           public std::enable_shared_from_this<client_watch> {
public:
    client_watch(collector& to, std::string client_id) : to_(to), client_id_(std::move(client_id)) {}

    request_run run(std::uint64_t first, std::uint64_t count) const { return {0, client_id_, first, count}; }

protected:
    bool on_first() override { return to_.wait_for(shared_from_this()); }
    void on_lost(std::uint64_t count) override { to_.note_missed(count); }

private:
    collector& to_;
    std::string client_id_;
};

// Takes as many runs as the order has room for. The others stay, and the run of an honest client keeps
// growing. A client with more runs than fit goes to the end of the queue.
void raffle_service::collector::gather() {
    const std::size_t room = driver_->reserve(runs_gathered_max);
    std::vector<request_run> runs;
    for (std::size_t left = active_.size(); left > 0 && runs.size() < room; --left) {
        auto one = std::move(active_.front());
        active_.pop_front();
        const bool empty = one->take([&](std::uint64_t first, std::uint64_t count) {
            if (runs.size() == room) return false;
            runs.push_back(one->run(first, count));
            return true;
        });
        if (!empty) active_.push_back(std::move(one));
    }
    driver_->give_back(room - runs.size());
    if (!runs.empty())
        driver_->home().post(
            [driver = driver_, runs = std::move(runs)]() mutable { driver->count(std::move(runs)); });
    if (!active_.empty()) home_.arm(due_, gather_for);
}

raffle_service::raffle_service(net::runtime& threads, std::shared_ptr<clocksync::raffle_driver> driver,
                               std::uint32_t every)
    : driver_(std::move(driver)), every_(every) {
    for (std::size_t i = 0; driver_ && i < threads.size(); ++i)
        collectors_.push_back(std::make_unique<collector>(threads.at(i), driver_));
}

raffle_service::~raffle_service() = default;

void raffle_service::count(net::call& registration, const std::string& client_id) {
    if (!driver_) return;
    registration.watch_requests(
        std::make_shared<client_watch>(*collectors_[registration.home().index()], client_id));
}

std::uint64_t raffle_service::next_request(std::string_view client_id) const {
    return driver_ ? driver_->log().next_request(client_id) : 1;
}

void raffle_service::add_to(net::server& to, net::board_set& boards) {
    const auto standing = [this](bool with_draws) {
        if (driver_) return to_message(driver_->log().now(with_draws));
        v1::GetRaffleResponse off;
        off.set_every(every_);
        return off;
    };
    to.add_service("Raffle", "Every so many requests of registered clients, one wins");
    to.rpc().on<v1::GetRaffleRequest>(
        "Raffle", "GetRaffle", net::anyone,
        [standing](const v1::GetRaffleRequest&, net::call&) -> wire::result<v1::GetRaffleResponse> {
            return standing(true);
        });
    to.http().on(net::http_method::get, "/v1/raffle", net::anyone, [standing](const net::http_request&) {
        return net::json_response(to_json(standing(true)));
    });
    to.http().on(net::http_method::get, "/v1/raffle/record", net::anyone, [this](const net::http_request&) {
        if (!driver_)
            return net::problem(wire::make_error(wire::status::not_found, "the raffle is switched off"));
        net::http_response response;
        response.content_type = "application/x-ndjson";
        response.body = driver_->log().record();
        return response;
    });
    if (!driver_) return;
    driver_->on_draws = [this, &boards](const auto& draws) { show(boards, draws); };
}

void raffle_service::show(net::board_set& boards, const std::vector<raffle_draw>& draws) {
    for (const raffle_draw& draw : draws)
        boards.announce([message = to_message(draw)](std::uint64_t sequence) {
            v1::Event event;
            event.set_sequence(sequence);
            event.set_topic("raffle");
            *event.mutable_draw() = message;
            return std::make_shared<const wire::board_event>(std::move(event));
        });
}

} // namespace stadion::frontend
