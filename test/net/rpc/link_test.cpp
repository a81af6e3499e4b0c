#include "net/rpc/link.hpp"
#include "test/net/raw_client.hpp"

#include <future>

namespace stadion::net {
namespace {

using wire::status;

std::string address_of(const served& one) { return "127.0.0.1:" + std::to_string(one.port); }

// A port on which nobody listens.
std::string dead_address() {
    asio::io_context context;
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

class link_test : public testing::Test {
protected:
    ~link_test() override {
        on_worker([this] { caller->close(); });
        caller.reset();
        threads.stop();
    }

    template <typename Task>
    void on_worker(Task task) {
        std::promise<void> done;
        home.post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }

    void connect(std::vector<std::string> addresses) {
        on_worker([&] { caller->connect(addresses); });
    }

    wire::result<std::string> ask(std::uint16_t method, const std::string& body, call_options options = {}) {
        std::promise<wire::result<std::string>> answer;
        home.post([&] {
            caller->call(method, body, options, [&](wire::result<link::reply> outcome) {
                if (outcome)
                    answer.set_value(std::string(outcome->body));
                else
                    answer.set_value(outcome.error());
            });
        });
        return answer.get_future().get();
    }

    runtime threads{1};
    worker& home = threads.at(0);
    std::shared_ptr<link> caller = std::make_shared<link>(home, link_options{});
};

TEST_F(link_test, a_call_made_before_there_is_a_connection_waits_for_it) {
    served one;
    std::promise<bool> answered;
    home.post([&] {
        caller->call(query_method, query("hockey"), {},
                     [&](auto outcome) { answered.set_value(bool(outcome)); });
        caller->connect({address_of(one)});
    });
    EXPECT_TRUE(answered.get_future().get());
}

TEST_F(link_test, an_error_says_where_it_comes_from) {
    served one;
    one.server.context().server_id = 7;
    connect({address_of(one)});
    const auto outcome = ask(query_method, query("none"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::not_found);
    EXPECT_EQ(outcome.error().message, "no such game: none");
    EXPECT_EQ(outcome.error().origin, "frontend-7");
}

TEST_F(link_test, fails_over_along_its_addresses) {
    served one;
    connect({dead_address(), address_of(one)});
    EXPECT_TRUE(ask(query_method, query("hockey")));
    on_worker([&] { EXPECT_EQ(caller->address(), address_of(one)); });
}

TEST_F(link_test, without_any_server_a_call_ends_with_its_budget_and_is_known_not_to_have_run) {
    connect({dead_address()});
    call_options options;
    options.budget = 100ms;
    auto outcome = ask(query_method, query("x"), options);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::unavailable);
    EXPECT_FALSE(outcome.error().outcome_unknown);
    EXPECT_GT(outcome.error().retry_after.count(), 0);
    options.wait_for_connection = false;
    outcome = ask(query_method, query("x"), options);
    EXPECT_EQ(outcome.error().code, status::unavailable);
}

TEST_F(link_test, reconnects_when_its_server_comes_back) {
    auto first = std::make_unique<served>();
    const auto port = first->port;
    connect({address_of(*first)});
    EXPECT_TRUE(ask(query_method, query("x")));
    first.reset();
    runtime again(1);
    server second(again, "frontend", {});
    second.rpc().on_encoded("FrontEnd", "QueryScoreByGame", anyone, [](call& one) { one.reply("", ""); });
    ASSERT_TRUE(second.listen("127.0.0.1", port));
    call_options options;
    options.budget = 10s;
    EXPECT_TRUE(ask(query_method, query("x"), options));
    second.drain(0ms);
    again.stop();
}

TEST_F(link_test, a_call_whose_connection_is_lost_has_an_unknown_outcome) {
    served one;
    connect({address_of(one)});
    std::promise<wire::error> lost;
    home.post(
        [&] { caller->call(update_method, {}, {}, [&](auto outcome) { lost.set_value(outcome.error()); }); });
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    one.threads.run_on_each([](worker& any) { any.for_each_channel([](channel& each) { each.close(); }); });
    const auto failure = lost.get_future().get();
    EXPECT_EQ(failure.code, status::unavailable);
    EXPECT_TRUE(failure.outcome_unknown);
}

TEST_F(link_test, the_server_sees_what_is_left_of_the_budget) {
    served one;
    std::promise<void> ended;
    home.post([&] {
        call_options options;
        options.budget = 10s;
        caller->call(update_method, {}, options, [&](auto) { ended.set_value(); });
        caller->connect({dead_address(), address_of(one)});
    });
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    one.release([](pending_call& call) {
        EXPECT_LE(call.time_left(), 10s);
        EXPECT_GT(call.time_left(), 1s);
        call.reply("", "");
    });
    ended.get_future().wait();
}

TEST_F(link_test, streams_events_until_cancelled) {
    served one;
    connect({address_of(one)});
    std::promise<void> two_events;
    std::promise<wire::error> ended;
    std::uint64_t id = 0;
    int events = 0;
    on_worker([&] {
        id = caller->stream(
            subscribe_method, {}, {},
            [&](std::string_view body) {
                EXPECT_EQ(body, "tick");
                if (++events == 2) two_events.set_value();
            },
            [&](auto outcome) { ended.set_value(outcome.error()); });
    });
    ASSERT_TRUE(eventually([&] { return one.deferred() == 1; }));
    std::shared_ptr<pending_call> stream;
    {
        const std::lock_guard lock(one.mutex);
        stream = one.waiting.front();
    }
    one.threads.run_on_each([&](worker& any) {
        if (&stream->home() != &any) return;
        stream->event("tick");
        stream->event("tick");
    });
    stream.reset(); // the server still holds it
    two_events.get_future().wait();
    on_worker([&] { caller->cancel(id); });
    EXPECT_EQ(ended.get_future().get().code, status::cancelled);
}

TEST_F(link_test, calls_that_a_stopping_server_never_ran_are_safe_to_send_elsewhere) {
    // A server that greets, and answers the first request with a final GOAWAY for id 0.
    asio::io_context context;
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::thread stopping([&] {
        auto socket = acceptor.accept();
        std::string greeting;
        wire::append_frame(greeting, {wire::frame_kind::welcome, 0, 0, 0, 0}, {});
        asio::write(socket, asio::buffer(greeting));
        char bytes[256];
        std::size_t got = 0;
        while (got < 40) got += socket.read_some(asio::buffer(bytes));
        std::string goaway;
        wire::append_frame(goaway, {wire::frame_kind::goaway, 0, 14, 0, 0}, {});
        asio::write(socket, asio::buffer(goaway));
        error_code ignored;
        while (!ignored) socket.read_some(asio::buffer(bytes), ignored);
    });
    connect({"127.0.0.1:" + std::to_string(acceptor.local_endpoint().port())});
    const auto outcome = ask(query_method, query("x"));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::unavailable);
    EXPECT_FALSE(outcome.error().outcome_unknown);
    on_worker([&] { caller->close(); });
    stopping.join();
}

TEST_F(link_test, coroutines_ask_and_get_typed_answers) {
    served one;
    connect({address_of(one)});
    std::promise<std::string> game;
    asio::co_spawn(
        home.context(),
        [](std::shared_ptr<link> on, std::promise<std::string>& to) -> awaitable<void> {
            v1::QueryScoreByGameRequest request;
            request.set_game("hockey");
            auto score = co_await on->ask<v1::Score>(query_method, request);
            to.set_value(score ? score->game() : score.error().message);
        }(caller, game),
        asio::detached);
    EXPECT_EQ(game.get_future().get(), "hockey");
}

TEST_F(link_test, while_there_is_no_connection_only_so_many_calls_wait) {
    link_options options;
    options.waiting_max = 3;
    options.waiting_bytes_max = 10'000;
    const auto limited = std::make_shared<link>(home, options);
    std::promise<wire::error> refused;
    on_worker([&] {
        limited->connect({dead_address()});
        for (int i = 0; i < 3; ++i) limited->call(query_method, query("x"), {}, [](auto) {});
        limited->call(query_method, query("x"), {},
                      [&](auto outcome) { refused.set_value(outcome.error()); });
    });
    const auto failure = refused.get_future().get();
    EXPECT_EQ(failure.code, status::unavailable);
    EXPECT_NE(failure.message.find("3 calls"), std::string::npos) << failure.message;
    EXPECT_GT(failure.retry_after.count(), 0);
    EXPECT_FALSE(failure.outcome_unknown);
    on_worker([&] { limited->close(); });
}

TEST_F(link_test, a_call_whose_budget_ends_waits_no_longer) {
    link_options options;
    options.waiting_bytes_max = 10'000;
    const auto limited = std::make_shared<link>(home, options);
    const auto before = bytes_held_here();
    const auto try_one = [&] {
        std::promise<wire::error> ended;
        home.post([&] {
            call_options brief;
            brief.budget = 30ms;
            limited->call(query_method, std::string(9'000, 'x'), brief,
                          [&](auto outcome) { ended.set_value(outcome.error()); });
        });
        return ended.get_future().get().message;
    };
    on_worker([&] { limited->connect({dead_address()}); });
    // Each fills the queue alone, so the next finds room only because the one before has gone.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(try_one().find("wait for it already"), std::string::npos);
    EXPECT_LE(bytes_held_here(), before);
    on_worker([&] { limited->close(); });
}

TEST_F(link_test, a_request_that_the_server_would_not_take_is_refused_before_it_is_sent) {
    served one; // takes 1 MiB
    connect({address_of(one)});
    ASSERT_TRUE(ask(query_method, query("x")));
    auto outcome = ask(query_method, query(std::string(1 << 20, 'g')));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::resource_exhausted);
    EXPECT_NE(outcome.error().message.find("at most 1048576"), std::string::npos) << outcome.error().message;
    call_options options;
    options.idempotency_key = std::string(70'000, 'k');
    outcome = ask(query_method, query("x"), options);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, status::invalid_argument);
    EXPECT_TRUE(ask(query_method, query("x"))); // the connection is as it was
}

TEST_F(link_test, nor_is_one_that_waited_for_the_connection) {
    served one;
    std::promise<wire::error> refused;
    home.post([&] {
        caller->call(query_method, query(std::string(2 << 20, 'g')), {},
                     [&](auto outcome) { refused.set_value(outcome.error()); });
        caller->connect({address_of(one)});
    });
    EXPECT_EQ(refused.get_future().get().code, status::resource_exhausted);
    EXPECT_TRUE(ask(query_method, query("x")));
}

} // namespace
} // namespace stadion::net
