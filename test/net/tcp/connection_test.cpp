// The bytes that a connection holds for a peer that sends much and reads little.
#include "test/net/raw_client.hpp"

#include "net/os/memory_budget.hpp"

namespace stadion::net {
namespace {

constexpr std::uint16_t describe_method = 0x0001;
constexpr std::size_t queued_max = 256 * 1024;

session_limits small_queues() {
    session_limits limits;
    limits.connection.queued_bytes_max = queued_max;
    return limits;
}

class connection_test : public testing::Test {
protected:
    // Bytes that earlier tests of this process still hold do not count.
    const std::size_t before_ = bytes_held_here();
};

TEST_F(connection_test, requests_are_answered_only_as_fast_as_their_answers_are_taken) {
    constexpr int sent = 3000; // of 20 bytes each; the answers have at least 30 MB together
    served one(small_queues());
    greeted_client client(one.port);
    std::string all;
    for (std::uint64_t id = 1; id <= sent; ++id)
        wire::append_frame(all, {wire::frame_kind::request, 0, describe_method, id, 60'000}, {});
    client.send(all);
    for (std::uint64_t id = 1; id <= sent; ++id) {
        ASSERT_EQ(client.next().header.id, id);
        ASSERT_LT(bytes_held_here() - before_, queued_max + 4 * all.size() + 64 * 1024);
    }
    EXPECT_TRUE(eventually([&] { return bytes_held_here() <= before_; }));
}

TEST_F(connection_test, pipelined_http_requests_too) {
    constexpr int sent = 3000;
    served one(small_queues());
    raw_client client(one.port);
    std::string all;
    for (int i = 0; i < sent; ++i) all += "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    all += "GET /livez?last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    std::thread sender([&] { client.send(all); });
    std::size_t answers = 0;
    for (; answers < sent; ++answers) {
        client.until("HTTP/1.1 200");
        ASSERT_LT(bytes_held_here() - before_, queued_max + 2 * all.size() + 512 * 1024);
    }
    EXPECT_NE(client.rest().find("HTTP/1.1 200"), std::string::npos);
    sender.join();
}

TEST_F(connection_test,
       while_all_hold_too_much_those_who_hold_most_are_not_read_from_and_others_are_refused) {
    session_limits limits;
    limits.all_bytes_max = before_ + (1 << 20);
    limits.connection.unread_max = 2s;
    served one(limits);
    std::vector<std::unique_ptr<raw_client>> greedy;
    const std::string head =
        "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    const std::string half(500'000, 'x');
    std::vector<std::thread> senders;
    for (int i = 0; i < 8; ++i) {
        greedy.push_back(std::make_unique<raw_client>(one.port));
        senders.emplace_back([&, &client = *greedy.back()] {
            error_code ignored; // the server closes it in the end
            asio::write(client.socket(), asio::buffer(head + half), ignored);
        });
    }
    EXPECT_TRUE(eventually([&] { return bytes_held_here() - before_ > (1 << 20); }))
        << bytes_held_here() << ' ' << before_;
    greeted_client honest(one.port);
    honest.request(1, query_method, query("hockey"));
    const auto refused = honest.next();
    EXPECT_EQ(status_of(refused), wire::status::resource_exhausted);
    v1::Error error;
    ASSERT_TRUE(error.ParseFromString(refused.body));
    EXPECT_GT(error.retry_after_ms(), 0u);
    EXPECT_LT(bytes_held_here() - before_, 8 * half.size()); // not all of it is read
    for (auto& one_of_them : greedy) one_of_them->socket().shutdown(tcp::socket::shutdown_both);
    for (auto& sender : senders) sender.join();
    greedy.clear();
    std::uint64_t id = 1;
    EXPECT_TRUE(eventually([&] {
        honest.request(++id, query_method, query("hockey"));
        return status_of(honest.next()) == wire::status::ok;
    }));
}

TEST_F(connection_test, one_that_cannot_be_read_from_for_too_long_is_cut_off) {
    session_limits limits;
    limits.all_bytes_max = before_ + 100'000;
    limits.connection.unread_max = 100ms;
    served one(limits);
    raw_client greedy(one.port);
    greedy.send(
        "POST /rpc/FrontEnd/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    greedy.send(std::string(200'000, 'x'));
    EXPECT_EQ(greedy.rest(), "");
    EXPECT_TRUE(eventually([&] { return bytes_held_here() <= before_; }));
}

TEST_F(connection_test, a_claimed_length_alone_holds_nothing) {
    served one;
    greeted_client client(one.port);
    client.send(
        std::string("\x00\x0f\x00\x00\x03\x00\x02\x03\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x07\xd0", 20));
    client.send(std::string(2000, 'x'));
    ASSERT_TRUE(eventually([&] { return bytes_held_here() > before_ + 2000; }));
    EXPECT_LT(bytes_held_here() - before_, 16u * 1024);
}

// One worker, two clients; each request of the first takes a millisecond.
TEST(connection_turns, a_caller_that_pipelines_much_lets_others_have_their_turn) {
    constexpr int sent = 500;
    std::atomic<int> handled{0};
    runtime threads(1);
    server one(threads, "dbserver", {});
    one.rpc().on_encoded("Database", "Commit", anyone, [&](call& asked) {
        const auto until = std::chrono::steady_clock::now() + 1ms;
        while (std::chrono::steady_clock::now() < until) {
        }
        ++handled;
        asked.reply(std::string_view{});
    });
    one.rpc().on_encoded("Database", "QueryScoreByGame", anyone,
                         [](call& asked) { asked.reply(std::string_view{}); });
    const auto address = one.listen("127.0.0.1", 0);
    const auto port = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));

    for (const bool over_http : {false, true}) {
        handled = 0;
        greeted_client wire(port);
        raw_client http(port);
        greeted_client honest(port);
        std::string all;
        for (std::uint64_t id = 1; id <= sent; ++id)
            if (over_http)
                all += "POST /rpc/Database/Commit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
            else
                wire::append_frame(all, {wire::frame_kind::request, 0, 0x0305, id, 60'000}, {});
        (over_http ? http : static_cast<raw_client&>(wire)).send(all);
        ASSERT_TRUE(eventually([&] { return handled > 0; }));
        honest.request(1, 0x0301, {});
        EXPECT_EQ(status_of(honest.next()), wire::status::ok);
        EXPECT_LT(handled, sent / 4);
        ASSERT_TRUE(eventually([&] { return handled == sent; })); // and no request is lost
    }
    one.drain(0ms);
    threads.run_on_each([](worker&) {});
    threads.stop();
}

} // namespace
} // namespace stadion::net
