#include "net/http/websocket_handshake.hpp"
#include "net/session/http_session.hpp"
#include "test/dispatcher/service/served_fleet.hpp"
#include "test/net/raw_client.hpp"

#include <gmock/gmock.h>

namespace stadion::dispatcher {
namespace {

using testing::HasSubstr;

std::string header_of(const net::http_response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return {};
}

// What becomes of a connection whose upgrade was accepted.
class echo final : public net::connection::protocol {
public:
    explicit echo(net::connection& link) : link_(link) {}
    std::size_t on_bytes(std::string_view bytes) override {
        link_.output() += bytes;
        return bytes.size();
    }

private:
    net::connection& link_;
};

std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

const std::string upgrade_headers =
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

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
        front_end.http().on_exchange(
            http_method::get, "/v1/ws", net::anyone,
            [](net::http_request&& request, const std::shared_ptr<net::http_exchange>& exchange) {
                if (request.parameter("refuse"))
                    return exchange->fail(wire::make_error(wire::status::permission_denied, "not for you"));
                auto& link = exchange->link();
                exchange->switch_to(net::accept_websocket(request).value(), std::make_unique<echo>(link),
                                    "echo: ");
            });
        front_end.http().on(http_method::post, "/only-here", net::anyone,
                            [](const net::http_request&) { return net::text_response("went through"); });
        front_end.http().on(http_method::get, "/v1/headers", net::anyone,
                            [](const net::http_request& request) {
                                std::string names;
                                for (const auto& [name, value] : request.headers) names += name + ' ';
                                return net::text_response(names);
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

TEST_F(Forwarding, BecomesATunnelAfter101AndLosesNothingThatWasSentAhead) {
    join_front_end();
    net::raw_client client(port_of(address));
    client.send("GET /v1/games/first HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /v1/ws HTTP/1.1\r\n" +
                upgrade_headers + "\r\nahead");
    client.until("{\"game\":\"first\"}");
    client.until("HTTP/1.1 101 Switching Protocols\r\n");
    client.until("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    client.until("echo: ahead");
    const std::string much(1 << 20, 'x');
    std::thread sender([&] { client.send(much + "end"); });
    client.until(much + "end");
    sender.join();
}

TEST_F(Forwarding, StaysHttpWhenAnUpgradeIsRefused) {
    join_front_end();
    net::raw_client client(port_of(address));
    client.send("GET /v1/ws?refuse HTTP/1.1\r\n" + upgrade_headers +
                "\r\nPOST /only-here HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    client.until("HTTP/1.1 403 Forbidden\r\n");
    client.until("not for you");
    EXPECT_THAT(client.until("no such path: /only-here"), testing::Not(HasSubstr("went through")));
    const auto answer = http("GET", "/v1/ws");
    EXPECT_EQ(answer.status, 426u);
    EXPECT_EQ(header_of(answer, "upgrade"), "websocket");
    net::raw_client with_body(port_of(address));
    with_body.send("GET /v1/ws HTTP/1.1\r\n" + upgrade_headers + "Content-Length: 1\r\n\r\nx");
    with_body.until("an upgrade has no body");
}

TEST_F(Forwarding, EndsATunnelWhenEitherSideEndsAndWhenItStops) {
    join_front_end();
    const auto open = [&] {
        auto client = std::make_unique<net::raw_client>(port_of(address));
        client->send("GET /v1/ws HTTP/1.1\r\n" + upgrade_headers + "\r\n");
        client->until("echo: ");
        return client;
    };
    auto gone = open();
    EXPECT_TRUE(net::eventually([&] { return front_end.connections() > 0; }));
    const auto others = front_end.connections() - 1;
    gone.reset();
    EXPECT_TRUE(net::eventually([&] { return front_end.connections() <= others; }));
    auto left = open();
    server->stop(std::chrono::seconds(1));
    EXPECT_EQ(left->rest(), "");
}

TEST_F(Forwarding, PassesNothingOnThatConcernsOneConnectionOrThatItHasJudged) {
    join_front_end();
    const auto seen = http("GET", "/v1/headers",
                           {{"X-Kept", "1"},
                            {"X-Hop", "1"},
                            {"Connection", "keep-alive, X-Hop"},
                            {"Origin", "http://" + address},
                            {"Sec-Fetch-Site", "same-origin"}})
                          .body;
    EXPECT_THAT(seen, HasSubstr("x-kept "));
    for (const auto* name : {"x-hop ", "connection ", "origin ", "sec-fetch-site "})
        EXPECT_THAT(seen, testing::Not(HasSubstr(name)));
    EXPECT_EQ(http("GET", "/v1/headers", {{"Origin", "http://evil.example"}}).status, 403u);
}

// A front-end that speaks something that is almost HTTP.
TEST_F(Forwarding, OutlivesAFrontEndThatCannotBeUnderstood) {
    net::asio::io_context context;
    net::tcp::acceptor acceptor(context, {net::asio::ip::address_v4::loopback(), 0});
    const auto port = acceptor.local_endpoint().port();
    dead = std::make_unique<wire_caller>(threads.at(1), address);
    join(*dead, "127.0.0.1:" + std::to_string(port));
    std::thread almost([&] {
        net::error_code ignored;
        auto socket = acceptor.accept(ignored);
        char bytes[4096];
        socket.read_some(net::asio::buffer(bytes), ignored);
        net::asio::write(socket,
                         net::asio::buffer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: "
                                           "text/plain\r\n\r\n0\r\nA: " +
                                           std::string(100'000, 'x') + "\r\n\r\n"),
                         ignored);
    });
    http("GET", "/v1/games/hockey"); // a stream, as far as its head says: it is cut off
    almost.join();
    acceptor.close();
    EXPECT_EQ(http("GET", "/livez").status, 200u);
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
