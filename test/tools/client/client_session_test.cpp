#include "tools/client/client_session.hpp"

#include "test/tools/fake_fleet.hpp"

#include <gtest/gtest.h>

#include <future>
#include <numeric>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

// What the session has pushed, for a test that waits for more.
class pushed {
public:
    void add(std::uint64_t sequence) {
        const std::lock_guard lock(mutex_);
        sequences_.push_back(sequence);
        grown_.notify_all();
    }
    std::vector<std::uint64_t> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        grown_.wait_for(lock, patience, [&] { return sequences_.size() >= count; });
        return sequences_;
    }

private:
    std::mutex mutex_;
    std::condition_variable grown_;
    std::vector<std::uint64_t> sequences_;
};

class client_session_test : public ::testing::Test {
protected:
    void start(std::string dispatcher_address) {
        session_ = std::make_shared<client_session>(
            home(),
            client_options{std::move(dispatcher_address), "obelix", "", std::chrono::milliseconds(patience)},
            client_session::handlers{[this](const v1::Event& event) { pushed_.add(event.sequence()); },
                                     nullptr});
        home().post([session = session_] { session->start(); });
    }
    void start() { start(dispatcher_.address); }

    void TearDown() override {
        if (session_) run(session_->stop());
        board_.close();
        threads_.stop();
    }

    net::worker& home() { return threads_.at(0); }

    void run(net::awaitable<void> task) {
        std::promise<void> done;
        net::asio::co_spawn(home().context(), std::move(task), [&](std::exception_ptr) { done.set_value(); });
        done.get_future().wait();
    }

    wire::result<v1::Score> set(int points) {
        v1::UpdateScoreByGameRequest request;
        request.set_game("hockey");
        (*request.mutable_points())["gauls"] = points;
        std::promise<wire::result<v1::Score>> answer;
        const auto ask = [&]() -> net::awaitable<void> {
            answer.set_value(co_await session_->write<v1::Score>(0x0205, request));
        };
        run(ask());
        return answer.get_future().get();
    }

    std::string server() {
        std::promise<std::string> answer;
        home().post([&] { answer.set_value(session_->server()); });
        return answer.get_future().get();
    }

    void subscribe() {
        home().post([session = session_] { session->subscribe({"games/*"}); });
    }

    static std::vector<std::uint64_t> first(std::size_t count) {
        std::vector<std::uint64_t> all(count);
        std::iota(all.begin(), all.end(), 1);
        return all;
    }

    fake_board board_;
    fake_front_end one_{board_};
    fake_front_end two_{board_};
    fake_dispatcher dispatcher_{{one_.address, two_.address}};
    net::runtime threads_{1};
    pushed pushed_;
    std::shared_ptr<client_session> session_;
};

TEST_F(client_session_test, registers_where_the_dispatcher_sends_it) {
    start();
    ASSERT_TRUE(set(1));
    EXPECT_EQ(server(), one_.address);
    EXPECT_EQ(one_.registered, 1);
    EXPECT_EQ(two_.registered, 0);
    run(session_->stop());
    EXPECT_EQ(one_.unregistered, 1);
}

TEST_F(client_session_test, a_master_that_is_gone_is_replaced_by_the_backup) {
    one_.drain();
    start();
    ASSERT_TRUE(set(1));
    EXPECT_EQ(server(), two_.address);
}

TEST_F(client_session_test, a_write_whose_answer_is_lost_happens_once) {
    start();
    ASSERT_TRUE(set(1));
    one_.die_before_answer = true;
    const auto score = set(2);
    ASSERT_TRUE(score) << score.error().message;
    EXPECT_EQ(score->points().at("gauls"), 2);
    EXPECT_EQ(board_.applied(), 2u);
    EXPECT_EQ(server(), two_.address);
    EXPECT_GE(two_.registered, 1);
    ASSERT_FALSE(one_.request_ids().empty());
    ASSERT_FALSE(two_.request_ids().empty());
    EXPECT_EQ(two_.request_ids().front(), one_.request_ids().back()) << "repeated as the request that it is";
}

TEST_F(client_session_test, a_subscription_begins_with_what_is_there) {
    start();
    ASSERT_TRUE(set(1));
    ASSERT_TRUE(set(2));
    subscribe();
    EXPECT_EQ(pushed_.wait_for(2), first(2));
    ASSERT_TRUE(set(3));
    EXPECT_EQ(pushed_.wait_for(3), first(3));
}

TEST_F(client_session_test, a_subscription_goes_on_elsewhere_without_a_gap) {
    start();
    ASSERT_TRUE(set(1));
    subscribe();
    ASSERT_EQ(pushed_.wait_for(1), first(1));
    one_.die_before_answer = true;
    ASSERT_TRUE(set(2));
    ASSERT_TRUE(set(3));
    EXPECT_EQ(pushed_.wait_for(3), first(3));
    EXPECT_EQ(server(), two_.address);
    EXPECT_GE(board_.subscribed_since().back(), 1u);
}

TEST_F(client_session_test, a_server_that_says_goodbye_is_left_in_order) {
    start();
    ASSERT_TRUE(set(1));
    subscribe();
    ASSERT_EQ(pushed_.wait_for(1), first(1));
    dispatcher_.set({two_.address});
    one_.drain();
    ASSERT_TRUE(set(2));
    EXPECT_EQ(server(), two_.address);
    EXPECT_EQ(pushed_.wait_for(2), first(2));
}

TEST_F(client_session_test, without_a_dispatcher_it_says_so) {
    start("127.0.0.1:1");
    std::promise<wire::result<void>> answer;
    const auto ask = [&]() -> net::awaitable<void> {
        answer.set_value(co_await session_->registered(200ms));
    };
    run(ask());
    const auto outcome = answer.get_future().get();
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message.find("127.0.0.1:1"), std::string::npos);
}

} // namespace
} // namespace stadion::tools
