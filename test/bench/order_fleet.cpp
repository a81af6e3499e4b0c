#include "test/bench/order_fleet.hpp"

#include "clocksync/order/order_methods.hpp"
#include "wire/proto/peer.pb.h"

#include <future>

namespace stadion::bench {

using namespace clocksync;

namespace {

constexpr std::uint16_t order_number = 0x0406;

instant clock_now() {
    return std::chrono::duration_cast<instant>(std::chrono::steady_clock::now().time_since_epoch());
}

// Runs on a worker and waits for it.
void run_on(net::worker& where, const std::function<void()>& what) {
    std::promise<void> done;
    where.post([&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

} // namespace

// ---- a member

fleet_member::fleet_member(fleet& of, delivery_handler on_delivery)
    : fleet_(of), on_delivery_(std::move(on_delivery)) {
    server_ = std::make_unique<net::server>(threads_, "frontend", net::access_policy{});
    add_order_methods(*server_,
                      [this](server_id from, ring_key, const std::string& frames) -> wire::result<void> {
                          if (order_ && !dead_ && !order_->on_frames(from, frames))
                              return wire::make_error(wire::status::invalid_argument, "malformed frames");
                          return {};
                      });
    address_ = *server_->listen("127.0.0.1", 0);
}

fleet_member::~fleet_member() { kill(); }

void fleet_member::kill() {
    if (std::exchange(killed_, true)) return;
    run_on(home(), [this] {
        dead_ = true;
        if (order_) order_->close();
        if (timer_) timer_->cancel();
        for (auto& [id, link] : links_) link->close();
        home().for_each_channel([](net::channel& one) { one.close(); });
    });
    threads_.stop();
}

void fleet_member::admit(ring_member self, const fleet_view& view,
                         const std::map<server_id, std::string>& addresses) {
    if (dead_) return;
    self_ = self;
    timer_ = std::make_unique<net::asio::steady_timer>(home().context());
    election_ = std::make_unique<election>(election_settings{}, self.id, view.epoch, 1, clock_now());
    election_->add_score_sample(10);
    order_driver::handlers handle;
    handle.send = [this](server_id to, const std::string& frames) { send(to, frames); };
    handle.on_restore = [this](const auto& restored) {
        if (on_restore) on_restore(restored.index);
    };
    handle.on_delivery = [this](const auto& delivered) { on_delivery_(*this, delivered); };
    handle.on_installed = [this](const auto&) {
        if (on_installed) on_installed();
    };
    handle.take_snapshot = [] { return std::string("the state"); };
    handle.on_room = [this] {
        if (on_room) on_room();
    };
    order_ = std::make_shared<order_driver>(home(), order_settings{}, self, std::move(handle));
    on_view(view, addresses);
}

void fleet_member::on_view(const fleet_view& view, const std::map<server_id, std::string>& addresses) {
    if (dead_ || !order_) return;
    reach(view, addresses);
    elect([&](election& machine, instant now) { return machine.on_view(now, view); });
    order_->on_view(view);
}

void fleet_member::reach(const fleet_view& view, const std::map<server_id, std::string>& addresses) {
    std::erase_if(links_, [&](auto& entry) {
        if (contains(view.ring, entry.first)) return false;
        entry.second->on_state = nullptr;
        entry.second->close();
        return true;
    });
    for (const ring_member& one : view.ring) {
        if (one.id == self_.id || links_.contains(one.id)) continue;
        auto link = std::make_shared<net::link>(home(), net::link_options{});
        link->on_state = [this, id = one.id](bool ready) {
            if (dead_) return;
            if (ready)
                order_->on_peer_up(id);
            else
                elect([&](election& machine, instant now) { return machine.on_peer_down(now, id); });
        };
        link->connect({addresses.at(one.id)});
        links_[one.id] = std::move(link);
    }
}

void fleet_member::send(server_id to, const std::string& frames) {
    const auto found = links_.find(to);
    if (found == links_.end() || !found->second->is_ready()) return;
    v1::OrderRequest request;
    request.set_from(self_.id);
    request.set_frames(frames);
    net::call_options options;
    options.wait_for_connection = false;
    found->second->call(order_number, request.SerializeAsString(), options, [](const auto&) {});
}

void fleet_member::elect(const std::function<election_actions(election&, instant)>& event) {
    if (dead_ || !election_) return;
    perform(event(*election_, clock_now()));
    arm();
}

void fleet_member::perform(const election_actions& actions) {
    for (const election_action& action : actions) {
        if (const auto* ask = std::get_if<ask_lock>(&action)) {
            fleet_.ask(self_.id, ask->reason);
        } else if (const auto* release = std::get_if<release_lock>(&action)) {
            fleet_.release(self_.id, release->epoch, release->leader);
        } else if (const auto* pass = std::get_if<send_pass>(&action)) {
            fleet_.tell(pass->to, [from = self_.id, message = pass->message](fleet_member& to) {
                to.elect([&](election& m, instant now) { return m.on_pass(now, from, message); });
            });
        } else if (const auto* news = std::get_if<send_coordinator>(&action)) {
            fleet_.tell(news->to, [from = self_.id, message = news->message](fleet_member& to) {
                to.elect([&](election& m, instant now) { return m.on_coordinator(now, from, message); });
            });
        } else if (const auto* question = std::get_if<ask_leader>(&action)) {
            fleet_.tell(question->to, [from = self_.id](fleet_member& leader) {
                if (leader.leads())
                    leader.fleet_.tell(from, [id = leader.self_.id](fleet_member& asker) {
                        if (asker.election_) asker.election_->on_answer(clock_now(), id);
                    });
            });
        } else if (const auto* no = std::get_if<refuse>(&action)) {
            fleet_.tell(no->to, [epoch = no->epoch](fleet_member& to) {
                to.elect([&](election& m, instant now) { return m.on_refused(now, epoch); });
            });
        } else if (const auto* changed = std::get_if<leader_changed>(&action)) {
            order_->on_leader(changed->epoch, changed->leader);
        }
    }
}

void fleet_member::arm() {
    const instant due = election_->deadline();
    if (due == never) return;
    timer_->expires_at(std::chrono::steady_clock::time_point(due));
    timer_->async_wait([self = shared_from_this()](net::error_code cancelled) {
        if (cancelled || self->dead_) return;
        self->elect(
            [](election& m, instant now) { return now >= m.deadline() ? m.tick(now) : election_actions{}; });
    });
}

// ---- the fleet

fleet::fleet(unsigned members, fleet_member::delivery_handler on_delivery)
    : on_delivery_(std::move(on_delivery)),
      lock_(std::make_unique<election_lock>(lock_settings{}, lock_record{}, clock_now())) {
    for (unsigned i = 0; i < members; ++i) add();
}

fleet::~fleet() {
    for (const auto& one : members()) one->kill();
    dispatcher_.stop();
}

std::shared_ptr<fleet_member> fleet::add() {
    auto fresh = std::make_shared<fleet_member>(*this, on_delivery_);
    run_on(dispatcher_.at(0), [&] {
        const ring_member self = authority_.join({});
        addresses_[self.id] = fresh->address();
        lock_->set_members(clock_now(), authority_.ring());
        {
            const std::lock_guard hold(mutex_);
            by_id_[self.id] = fresh;
        }
        fresh->home().post(
            [fresh, self, now = view(), known = addresses_] { fresh->admit(self, now, known); });
        show();
    });
    return fresh;
}

void fleet::kill(const std::shared_ptr<fleet_member>& one) {
    const server_id id = one->id();
    one->kill();
    run_on(dispatcher_.at(0), [&] { // as on SIGCHLD
        {
            const std::lock_guard hold(mutex_);
            by_id_.erase(id);
        }
        authority_.drop(id);
        addresses_.erase(id);
        lock_->set_members(clock_now(), authority_.ring());
        show();
    });
}

fleet_view fleet::view() const {
    return {authority_.number(), lock_->record().epoch, lock_->record().leader, authority_.ring()};
}

void fleet::show() {
    for (const ring_member& one : authority_.ring())
        tell(one.id, [now = view(), known = addresses_](fleet_member& to) { to.on_view(now, known); });
}

std::vector<std::shared_ptr<fleet_member>> fleet::members() {
    const std::lock_guard hold(mutex_);
    std::vector<std::shared_ptr<fleet_member>> all;
    for (const auto& [id, one] : by_id_) all.push_back(one);
    return all;
}

bool fleet::settled() {
    const auto all = members();
    std::atomic<unsigned> in{0};
    std::mutex guard;
    std::vector<view_id> views;
    for (const auto& one : all)
        run_on(one->home(), [&] {
            if (!one->id()) return;
            const ordered_multicast& machine = one->order().machine();
            const std::lock_guard hold(guard);
            if (machine.members().size() == all.size() && !machine.stopped()) views.push_back(machine.view());
        });
    return views.size() == all.size() && std::ranges::all_of(views, [&](view_id v) { return v == views[0]; });
}

void fleet::tell(server_id whom, std::function<void(fleet_member&)> what) {
    std::shared_ptr<fleet_member> to;
    {
        const std::lock_guard hold(mutex_);
        const auto found = by_id_.find(whom);
        if (found == by_id_.end()) return;
        to = found->second;
    }
    to->home().post([weak = std::weak_ptr(to), what = std::move(what)] {
        if (const auto there = weak.lock()) what(*there);
    });
}

void fleet::ask(server_id who, election_reason reason) {
    dispatcher_.at(0).post([this, who, reason] {
        const lock_decision decision = lock_->ask(clock_now(), who, reason);
        if (decision.answer.granted) show();
        tell(who, [answer = decision.answer](fleet_member& to) {
            to.elect([&](election& m, instant now) { return m.on_lock_answer(now, answer); });
        });
    });
}

void fleet::release(server_id who, epoch_number epoch, server_id leader) {
    dispatcher_.at(0).post([=, this] {
        if (lock_->release(clock_now(), who, epoch, leader)) show();
    });
}

} // namespace stadion::bench
