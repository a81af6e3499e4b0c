// A dispatcher and front-ends that do just what a client sees of real ones, in this process, over real
// sockets; each front-end can be made to die in the worst moments. They share one board, as front-ends share
// a database.
#pragma once

#include "net/rpc/request_watch.hpp"
#include "net/server/server.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <set>

namespace stadion::tools {

// What has happened, and who wants to hear of it. Any thread.
class fake_board {
public:
    // Applies an update once per key.
    v1::Score apply(const v1::UpdateScoreByGameRequest& request, const std::string& key) {
        const std::lock_guard lock(mutex_);
        if (const auto known = by_key_.find(key); known != by_key_.end()) return known->second;
        v1::Score score;
        score.set_game(request.game());
        *score.mutable_points() = request.points();
        score.set_sequence(log_.size() + 1);
        auto& event = log_.emplace_back();
        event.set_sequence(score.sequence());
        event.set_topic("games/" + request.game());
        *event.mutable_score() = score;
        for (const auto& listener : listeners_)
            listener->home().post([listener, body = event.SerializeAsString()] { listener->event(body); });
        return by_key_[key] = score;
    }

    void listen(std::uint64_t since, const std::shared_ptr<net::pending_call>& listener) {
        const std::lock_guard lock(mutex_);
        subscribed_since_.push_back(since);
        if (since == 0) {
            v1::Event reset;
            reset.set_sequence(log_.size());
            reset.mutable_reset()->set_states(static_cast<std::uint32_t>(log_.size()));
            listener->event(reset.SerializeAsString());
        }
        for (const auto& event : log_)
            if (event.sequence() > since) listener->event(event.SerializeAsString());
        listeners_.insert(listener);
        listener->on_abandoned = [this, gone = std::weak_ptr(listener)] {
            const std::lock_guard inner(mutex_);
            listeners_.erase(gone.lock());
        };
    }

    std::size_t applied() {
        const std::lock_guard lock(mutex_);
        return log_.size();
    }
    std::vector<std::uint64_t> subscribed_since() {
        const std::lock_guard lock(mutex_);
        return subscribed_since_;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        listeners_.clear();
    }

private:
    std::mutex mutex_;
    std::vector<v1::Event> log_;
    std::map<std::string, v1::Score> by_key_;
    std::set<std::shared_ptr<net::pending_call>> listeners_;
    std::vector<std::uint64_t> subscribed_since_;
};

// The ids of a client's requests.
class id_recorder : public net::request_watch {
public:
    std::vector<std::uint64_t> ids() {
        take([this](std::uint64_t first, std::uint64_t count) {
            for (std::uint64_t i = 0; i < count; ++i) ids_.push_back(first + i);
            return true;
        });
        return ids_;
    }

protected:
    bool on_first() override { return true; }
    void on_lost(std::uint64_t) override {}

private:
    std::vector<std::uint64_t> ids_;
};

class fake_front_end {
public:
    explicit fake_front_end(fake_board& board) : server_(threads_, "frontend", {}) {
        server_.rpc().on<v1::RegisterClientRequest>("FrontEnd", "RegisterClient", net::anyone,
                                                    [this](const v1::RegisterClientRequest&, net::call& call)
                                                        -> wire::result<v1::RegisterClientResponse> {
                                                        ++registered;
                                                        call.watch_requests(requests_);
                                                        return v1::RegisterClientResponse();
                                                    });
        server_.rpc().on<v1::UnregisterClientRequest>("FrontEnd", "UnregisterClient", net::anyone,
                                                      [this](const v1::UnregisterClientRequest&, net::call&)
                                                          -> wire::result<v1::UnregisterClientResponse> {
                                                          ++unregistered;
                                                          return v1::UnregisterClientResponse();
                                                      });
        server_.rpc().on<v1::UpdateScoreByGameRequest>(
            "FrontEnd", "UpdateScoreByGame", net::anyone,
            [this, &board](const v1::UpdateScoreByGameRequest& request,
                           net::call& call) -> wire::result<v1::Score> {
                if (die_before_apply.exchange(false)) die_soon();
                const auto score = board.apply(request, call.metadata().idempotency_key());
                if (!die_before_answer.exchange(false)) return score;
                die_soon();
                call.link().close();
                return score;
            });
        server_.rpc().on_later<v1::SubscribeRequest>(
            "FrontEnd", "Subscribe", net::anyone,
            [&board](const v1::SubscribeRequest& request, std::shared_ptr<net::pending_call> listener) {
                board.listen(request.since(), listener);
            });
        const auto bound = server_.listen("127.0.0.1", 0);
        EXPECT_TRUE(bound) << bound.error().message;
        address = bound ? *bound : "";
    }
    ~fake_front_end() { threads_.stop(); }

    // As by kill -9: nothing is said any more, nothing is accepted.
    void die_soon() {
        server_.context().draining = true;
        threads_.at(0).post(
            [this] { threads_.at(0).for_each_channel([](net::channel& one) { one.close(); }); });
    }
    // In order: GOAWAY, then the end.
    void drain() { server_.drain(std::chrono::milliseconds(200)); }

    // What registered clients have asked, in this order.
    std::vector<std::uint64_t> request_ids() {
        std::promise<std::vector<std::uint64_t>> ids;
        threads_.at(0).post([&] { ids.set_value(requests_->ids()); });
        return ids.get_future().get();
    }

    std::string address;
    std::atomic<int> registered{0};
    std::atomic<int> unregistered{0};
    std::atomic<bool> die_before_apply{false};
    std::atomic<bool> die_before_answer{false};

private:
    std::shared_ptr<id_recorder> requests_ = std::make_shared<id_recorder>();
    net::runtime threads_{1};
    net::server server_;
};

// Assigns the addresses given, the first as master, and the next as backup.
class fake_dispatcher {
public:
    explicit fake_dispatcher(std::vector<std::string> addresses) : server_(threads_, "dispatcher", {}) {
        set(std::move(addresses));
        server_.rpc().on<v1::AssignRequest>(
            "Dispatcher", "Assign", net::anyone,
            [this](const v1::AssignRequest&, net::call&) -> wire::result<v1::AssignResponse> {
                const std::lock_guard lock(mutex_);
                ++assigned;
                v1::AssignResponse answer;
                answer.mutable_master()->set_address(addresses_.at(0));
                if (addresses_.size() > 1) answer.mutable_backup()->set_address(addresses_.at(1));
                answer.set_ticket("ticket-" + std::to_string(assigned));
                return answer;
            });
        const auto bound = server_.listen("127.0.0.1", 0);
        EXPECT_TRUE(bound) << bound.error().message;
        address = bound ? *bound : "";
    }
    ~fake_dispatcher() { threads_.stop(); }

    void set(std::vector<std::string> addresses) {
        const std::lock_guard lock(mutex_);
        addresses_ = std::move(addresses);
    }

    std::string address;
    int assigned = 0;

private:
    std::mutex mutex_;
    std::vector<std::string> addresses_;
    net::runtime threads_{1};
    net::server server_;
};

} // namespace stadion::tools
