// A database server as a front-end sees one, in this process and over real sockets. A test tells it how to
// answer the next commits, and what to send on the feed. It keeps no board.
#pragma once

#include "net/server/server.hpp"
#include "test/support/eventually.hpp"
#include "wire/proto/database.pb.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>

namespace stadion::frontend {

class fake_database {
public:
    using answer = std::function<void(const v1::CommitRequest&, net::call&)>;

    fake_database() {
        server_.rpc().on<v1::BeginSessionRequest>(
            "Database", "BeginSession", net::anyone,
            [this](const v1::BeginSessionRequest&, net::call&) -> wire::result<v1::WriteSession> {
                v1::WriteSession session;
                session.set_opening(1);
                session.set_number(++sessions_);
                return session;
            });
        server_.rpc().on_call<v1::CommitRequest>("Database", "Commit", net::anyone,
                                                 [this](const v1::CommitRequest& request, net::call& one) {
                                                     take_commit(request)(request, one);
                                                     support::announce_change();
                                                 });
        server_.rpc().on_later<v1::WatchRequest>(
            "Database", "Watch", net::anyone,
            [this](const v1::WatchRequest& request, std::shared_ptr<net::pending_call> feed) {
                {
                    const std::lock_guard lock(mutex_);
                    watches_.push_back(request);
                    feed_ = std::move(feed);
                }
                support::announce_change();
            });
        const auto bound = server_.listen("127.0.0.1", 0);
        EXPECT_TRUE(bound) << bound.error().message;
        address = bound ? *bound : "";
    }
    ~fake_database() {
        server_.drain(std::chrono::milliseconds(0));
        run([this] { feed_.reset(); }); // it belongs to the worker
        threads_.stop();
    }

    // The answers to the next commits, in this order. After them every mutation is applied.
    void answer_next(std::vector<answer> answers) {
        const std::lock_guard lock(mutex_);
        next_.insert(next_.end(), answers.begin(), answers.end());
    }
    // Answers all further commits in this way.
    void answer_always(answer how) {
        const std::lock_guard lock(mutex_);
        ordinary_ = std::move(how);
    }

    static void apply(const v1::CommitRequest& request, net::call& one) {
        v1::CommitResponse response;
        for (int i = 0; i < request.mutations_size(); ++i)
            response.add_outcomes()->set_result(v1::Outcome::APPLIED);
        one.reply(response);
    }
    // As when the process is killed between the commit and its answer.
    static void lose_connection(const v1::CommitRequest&, net::call& one) {
        one.link().close();
        one.reply(v1::CommitResponse());
    }
    static answer refuse(wire::status code, std::map<std::string, std::string> details = {}) {
        return [code, details](const v1::CommitRequest&, net::call& one) {
            v1::CommitResponse response;
            v1::Outcome& outcome = *response.add_outcomes();
            outcome.set_result(v1::Outcome::REFUSED);
            outcome.set_code(static_cast<std::uint32_t>(code));
            outcome.mutable_error()->set_message("refused");
            for (const auto& [name, value] : details)
                (*outcome.mutable_error()->mutable_details())[name] = value;
            one.reply(response);
        };
    }

    // On the feed of the newest watch.
    void send(const v1::Event& event) {
        run([&] {
            if (feed_) feed_->event(event.SerializeAsString());
        });
    }
    void end_feed(const wire::error& why) {
        run([&] {
            if (const auto feed = std::exchange(feed_, nullptr)) feed->fail(why);
        });
    }
    void drop_connections() {
        run([this] { threads_.at(0).for_each_channel([](net::channel& one) { one.close(); }); });
    }

    std::vector<v1::CommitRequest> commits() {
        const std::lock_guard lock(mutex_);
        return commits_;
    }
    std::vector<v1::WatchRequest> watches() {
        const std::lock_guard lock(mutex_);
        return watches_;
    }
    std::uint64_t sessions() const { return sessions_; }

    std::string address;

private:
    answer take_commit(const v1::CommitRequest& request) {
        const std::lock_guard lock(mutex_);
        commits_.push_back(request);
        if (next_.empty()) return ordinary_;
        answer how = std::move(next_.front());
        next_.pop_front();
        return how;
    }
    void run(const std::function<void()>& what) {
        threads_.run_on_each([&](net::worker&) { what(); });
    }

    std::mutex mutex_;
    std::vector<v1::CommitRequest> commits_;
    std::vector<v1::WatchRequest> watches_;
    std::deque<answer> next_;
    answer ordinary_ = apply;
    std::atomic<std::uint64_t> sessions_{0};
    net::runtime threads_{1};
    std::shared_ptr<net::pending_call> feed_; // used on the worker
    net::server server_{threads_, "dbserver", {}};
};

} // namespace stadion::frontend
