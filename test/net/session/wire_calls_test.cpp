// Answers and events that no frame can carry.
#include "test/net/raw_client.hpp"

namespace stadion::net {
namespace {

using wire::frame_kind;
using wire::status;

// Answers with as many bytes as the request's game says, in each way there is to answer.
class generous {
public:
    generous() {
        const auto on = [&](std::string_view method, auto answer) {
            server.rpc().on_encoded("Database", method, anyone, [answer](call& one) {
                v1::QueryScoreByGameRequest request;
                ASSERT_TRUE(rpc_router::parse(one, request));
                answer(one, std::string(std::stoul(request.game()), 't'));
            });
        };
        on("QueryScoreByGame", [](call& one, const std::string& text) { one.reply(text, "!"); });
        on("QueryMedalTallyByTeam", [](call& one, const std::string& text) {
            v1::Score score;
            score.set_title(text);
            one.reply(score);
        });
        on("UpdateScoreByGame", [](call& one, const std::string& text) {
            one.home().post([pending = one.defer(), text] { pending->reply(text); });
        });
        on("Watch", [](call& one, const std::string& text) {
            auto pending = one.defer();
            pending->on_abandoned = [pending] {};
            for (const auto* event : {"before", text.c_str(), "after"}) pending->event(event);
        });
        const auto address = server.listen("127.0.0.1", 0);
        port = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
    }
    ~generous() {
        server.drain(0ms);
        threads.run_on_each([](worker&) {});
        threads.stop();
    }

    runtime threads{1};
    net::server server{threads, "dbserver", {}};
    std::uint16_t port = 0;
};

TEST(wire_calls, an_answer_that_no_frame_can_carry_is_refused_and_the_connection_goes_on) {
    generous one;
    greeted_client client(one.port);
    for (const std::uint16_t method : {0x0301, 0x0302, 0x0303}) {
        client.request(method, method, query("17000000"));
        const auto refused = client.next();
        EXPECT_EQ(refused.header.id, method);
        EXPECT_EQ(status_of(refused), status::resource_exhausted);
        EXPECT_NE(message_of(refused).find(" has 170000"), std::string::npos) << message_of(refused);
        EXPECT_NE(message_of(refused).find("pages"), std::string::npos) << message_of(refused);
        client.request(method + 1u, method, query("10"));
        EXPECT_EQ(status_of(client.next()), status::ok);
    }
}

// The one who answers may be another thread, such as the journal's; it holds the call, and touches nothing of
// it.
TEST(wire_calls, a_call_that_another_thread_lets_go_of_is_answered_on_its_own) {
    std::vector<std::thread> others;
    {
        generous one;
        one.server.rpc().on_encoded("Database", "Commit", anyone, [&](call& asked) {
            others.emplace_back([pending = asked.defer()]() mutable { pending.reset(); });
        });
        greeted_client client(one.port);
        for (std::uint64_t id = 1; id <= 20; ++id) client.request(id, 0x0305, {});
        for (std::uint64_t id = 1; id <= 20; ++id) EXPECT_EQ(status_of(client.next()), status::internal);
    }
    for (auto& other : others) other.join();
}

TEST(wire_calls, an_event_that_no_frame_can_carry_ends_its_stream) {
    generous one;
    greeted_client client(one.port);
    client.request(1, 0x0306, query("17000000"));
    EXPECT_EQ(client.next().body, "before");
    const auto end = client.next();
    EXPECT_EQ(end.header.kind, frame_kind::reply);
    EXPECT_EQ(status_of(end), status::resource_exhausted);
}

TEST(wire_calls, a_caller_that_takes_smaller_frames_gets_no_larger_ones) {
    generous one;
    raw_client client(one.port);
    v1::Hello hello;
    hello.set_version_min(1);
    hello.set_version_max(1);
    hello.set_max_frame(100'000);
    client.send_frame({frame_kind::hello, 0, 0, 0, 0}, hello.SerializeAsString());
    EXPECT_EQ(client.next().header.kind, frame_kind::welcome);
    client.request(1, 0x0301, query("99979")); // with header and tail just so many
    EXPECT_EQ(status_of(client.next()), status::ok);
    client.request(2, 0x0301, query("99980"));
    EXPECT_EQ(status_of(client.next()), status::resource_exhausted);
}

TEST(wire_calls, over_http_such_an_answer_is_429) {
    generous one;
    raw_client client(one.port);
    const std::string body = R"({"game":"17000000"})";
    client.send("POST /rpc/Database/QueryScoreByGame HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                "Content-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_NE(client.rest().find("HTTP/1.1 429"), std::string::npos);
}

} // namespace
} // namespace stadion::net
