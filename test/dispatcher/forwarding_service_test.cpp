#include "net/http_session.hpp"
#include "test/dispatcher/served_fleet.hpp"

#include <gmock/gmock.h>

namespace stadion::dispatcher {
namespace {

using testing::HasSubstr;

std::string header_of(const net::http_response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

// A front-end whose paths are the test's.
class Forwarding : public ServedFleet {
protected:
    Forwarding() {
        using net::http_method;
        front_end.http().on(
            http_method::get, "/v1/games/{game}", net::anyone, [](const net::http_request& request) {
                auto response = net::json_response("{\"game\":\"" + request.captures[0] + "\"}");
                response.headers = {{"ETag", "\"7\""},
                                    {"Stadion-Seen-Was", std::string(request.header("stadion-seen"))}};
                return response;
            });
        front_end.http().on(http_method::post, "/update_score_by_game", net::anyone,
                            [this](const net::http_request& request) {
                                key = std::string(request.header("idempotency-key"));
                                return net::json_response(request.body);
                            });
        front_end.http().on_exchange(
            http_method::get, "/v1/stream", net::anyone,
            [this](net::http_request&&, const std::shared_ptr<net::http_exchange>& exchange) {
                exchange->begin_stream("text/event-stream");
                exchange->write("data: 1\n\n");
                const std::string much(pieces_size, 'x');
                for (int i = 0; i < pieces; ++i) exchange->write(much);
                exchange->end_stream();
            });
        front_end_address = front_end.listen("127.0.0.1", 0).value();
    }
    ~Forwarding() override {
        joined.reset();
        dead.reset();
        stop();
        front_end.drain(std::chrono::seconds(1));
    }

    void join_front_end() {
        joined = std::make_unique<wire_caller>(threads.at(0), address);
        join(*joined, front_end_address);
    }
    // It is in the fleet, but nothing answers there.
    void join_dead_one() {
        net::asio::io_context context;
        net::tcp::acceptor free(context, {net::asio::ip::address_v4::loopback(), 0});
        const auto port = free.local_endpoint().port();
        dead = std::make_unique<wire_caller>(threads.at(1), address);
        join(*dead, "127.0.0.1:" + std::to_string(port));
    }

    static constexpr std::size_t pieces_size = 64 * 1024;
    static constexpr int pieces = 32;
    net::server front_end{threads, "frontend", {}};
    std::string front_end_address;
    std::string key;
    std::unique_ptr<wire_caller> joined, dead;
};

TEST_F(Forwarding, SaysWhenToComeBackWhileThereIsNoFrontEnd) {
    const auto answer = http("GET", "/v1/games/hockey");
    EXPECT_EQ(answer.status, 503u);
    EXPECT_THAT(answer.content_type, HasSubstr("problem+json"));
    EXPECT_FALSE(header_of(answer, "retry-after").empty());
}

TEST_F(Forwarding, PassesRequestAndAnswerOnAsTheyAre) {
    join_front_end();
    const auto answer =
        http("GET", "/v1/games/a%2Fb", {{"Stadion-Seen", "42"}, {"Connection", "keep-alive, X"}});
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "{\"game\":\"a/b\"}");
    EXPECT_EQ(header_of(answer, "etag"), "\"7\"");
    EXPECT_EQ(header_of(answer, "stadion-seen-was"), "42");
    EXPECT_EQ(http("GET", "/v1/nothing").status, 404u);
}

TEST_F(Forwarding, GivesAWriteAKeyUnlessItHasOne) {
    join_front_end();
    EXPECT_EQ(http("POST", "/update_score_by_game", {}, "{\"game\":\"g\"}").body, "{\"game\":\"g\"}");
    EXPECT_GE(key.size(), 16u);
    http("POST", "/update_score_by_game", {{"Idempotency-Key", "mine"}}, "{}");
    EXPECT_EQ(key, "mine");
}

TEST_F(Forwarding, AsksAnotherFrontEndWhenOneIsDead) {
    join_dead_one();
    join_front_end();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(http("GET", "/v1/games/hockey").status, 200u);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(http("POST", "/update_score_by_game", {}, "{}").status, 200u);
}

TEST_F(Forwarding, SaysUnavailableWhenAllAreDead) {
    join_dead_one();
    const auto answer = http("GET", "/v1/games/hockey");
    EXPECT_EQ(answer.status, 503u);
    EXPECT_FALSE(header_of(answer, "retry-after").empty());
}

TEST_F(Forwarding, PassesAStreamOnToItsEnd) {
    join_front_end();
    const auto answer = http("GET", "/v1/stream");
    EXPECT_EQ(answer.status, 200u);
    EXPECT_THAT(answer.content_type, HasSubstr("text/event-stream"));
    EXPECT_EQ(answer.body.size(), 9 + pieces * pieces_size);
}

TEST_F(Forwarding, AnswersLaterWhoPrefersIt) {
    join_front_end();
    const auto accepted = http("GET", "/v1/games/hockey", {{"Prefer", "respond-async"}});
    ASSERT_EQ(accepted.status, 202u) << accepted.body;
    const auto location = header_of(accepted, "location");
    ASSERT_THAT(location, HasSubstr("/v1/operations/"));
    net::http_response answer;
    const auto until = std::chrono::steady_clock::now() + long_enough;
    do answer = http("GET", location);
    while (answer.status == 202 && std::chrono::steady_clock::now() < until);
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "{\"game\":\"hockey\"}");
    EXPECT_EQ(http("GET", "/v1/operations/no-such-one").status, 404u);
}

} // namespace
} // namespace stadion::dispatcher
