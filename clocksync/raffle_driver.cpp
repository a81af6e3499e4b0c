#include "clocksync/raffle_driver.hpp"

#include "clocksync/fleet_view.hpp"
#include "clocksync/order_methods.hpp"

namespace stadion::clocksync {
namespace {

constexpr std::uint16_t order_method = 0x0406;
constexpr auto frames_budget = std::chrono::seconds(2);

} // namespace

raffle_driver::raffle_driver(net::worker& home, raffle_settings settings, send_handler send)
    : home_(home), log_(settings), send_(std::move(send)) {}

void raffle_driver::join(member self) {
    order_driver::handlers handle;
    handle.send = send_;
    handle.on_restore = [this](const order_output::restored& from) { log_.restore(from); };
    handle.on_delivery = [this](const order_output::delivered& what) {
        if (const auto draws = log_.deliver(what); !draws.empty() && on_draws) on_draws(draws);
    };
    handle.on_installed = [](const order_output::installed&) {};
    handle.take_snapshot = [this] { return log_.snapshot(); };
    handle.on_room = [this] { submit_waiting(); };
    order_ = std::make_shared<order_driver>(home_, order_settings{}, self, std::move(handle));
    joined_.store(true, std::memory_order_release);
    if (epoch_ != 0) order_->on_leader(epoch_, leader_);
    submit_waiting();
}

void raffle_driver::on_view(server_id self, const v1::View& shown) {
    const auto view = to_fleet_view(shown);
    if (closed_ || !view) return;
    // A view without this server is none of its business: it is let in again as another incarnation.
    const member* const me = find_member(view->ring, self);
    if (me == nullptr) return;
    if (!order_) join(*me);
    order_->on_view(*view);
}

void raffle_driver::on_leader(epoch_number epoch, server_id leader) {
    epoch_ = epoch;
    leader_ = leader;
    if (order_) order_->on_leader(epoch, leader);
}

void raffle_driver::on_peer_up(server_id peer) {
    if (order_) order_->on_peer_up(peer);
}

void raffle_driver::on_frames(server_id from, std::string frames) {
    home_.post([weak = weak_from_this(), from, frames = std::move(frames)] {
        // Malformed frames are dropped like lost ones: whoever sent them repeats what matters.
        if (const auto self = weak.lock(); self && self->order_) (void)self->order_->on_frames(from, frames);
    });
}

void raffle_driver::count(std::vector<request_run> runs) {
    for (request_run& run : runs) {
        if (waiting_.size() < runs_waiting_max)
            waiting_.push_back(std::move(run));
        else
            missed_.fetch_add(run.count, std::memory_order_relaxed);
    }
    submit_waiting();
}

void raffle_driver::submit_waiting() {
    if (!order_) return;
    std::size_t done = 0;
    while (done < waiting_.size()) {
        std::size_t end = done, bytes = 0;
        while (end < waiting_.size() && bytes < message_bytes_max)
            bytes += waiting_[end++].client.size() + 20;
        const auto first = waiting_.begin();
        if (!order_->submit(encode_runs(
                {first + static_cast<std::ptrdiff_t>(done), first + static_cast<std::ptrdiff_t>(end)})))
            break;
        done = end;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
}

std::shared_ptr<raffle_driver> start_raffle(net::worker& home, net::server& server,
                                            const std::shared_ptr<election_driver>& election,
                                            raffle_settings settings) {
    auto send = [weak = std::weak_ptr(election), &server](server_id to, std::string frames) {
        const auto links = weak.lock();
        if (!links) return;
        v1::OrderRequest request;
        request.set_from(server.context().server_id);
        request.set_frames(std::move(frames));
        net::call_options how;
        how.budget = frames_budget;
        how.wait_for_connection = false; // what matters is sent again when the peer is up
        links->peers().call(to, order_method, request.SerializeAsString(), how, [](const auto&) {});
    };
    auto driver = std::make_shared<raffle_driver>(home, settings, std::move(send));
    election->on_leader = [driver](epoch_number epoch, server_id leader) {
        driver->on_leader(epoch, leader);
    };
    election->peers().on_up = [driver](server_id peer) { driver->on_peer_up(peer); };
    add_order_methods(server, [driver](server_id from, std::string frames) -> wire::result<void> {
        driver->on_frames(from, std::move(frames));
        return {};
    });
    return driver;
}

void raffle_driver::close() {
    closed_ = true;
    if (order_) order_->close();
    on_draws = nullptr;
}

} // namespace stadion::clocksync
