#include "net/board/board_streams.hpp"
#include "test/net/raw_client.hpp"

namespace stadion::net {
namespace {

const std::string upgrade =
    "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

// A client's frame, masked with zeros.
std::string frame(unsigned first, const std::string& payload) {
    std::string out(1, static_cast<char>(first));
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        out += static_cast<char>(0x80 | 126);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 255);
    }
    return out + std::string(4, '\0') + payload;
}

const std::string subscribe = frame(0x81, R"({"subscribe":["games/*"]})");

// A server with a board. As in the real servers, the board is destroyed before the runtime.
struct board_server {
    explicit board_server(session_limits limits = {})
        : one(std::in_place, threads, "frontend", access_policy(), limits) {
        add_board_streams(*one, *boards);
        replace({});
        const auto address = one->listen("127.0.0.1", 0).value();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    ~board_server() {
        stop();
        threads.stop();
    }
    void stop(std::chrono::milliseconds hard = 0ms) {
        if (!one) return;
        one->drain(hard);
        boards.reset();
        one.reset();
    }
    // A board whose snapshot takes about `size` bytes.
    void fill(std::size_t size) {
        v1::Event event;
        event.set_sequence(1);
        event.set_topic("games/large");
        event.mutable_score()->set_game("large");
        event.mutable_score()->set_title(std::string(size, 't'));
        replace({std::make_shared<const wire::board_event>(std::move(event))});
    }
    void replace(event_batch states) {
        auto now = std::make_shared<board_snapshot>();
        now->board = 7;
        now->sequence = 1;
        now->states = std::move(states);
        boards->replace(now);
        threads.run_on_each([](worker&) {});
    }

    runtime threads{2};
    std::optional<board_set> boards{std::in_place, threads};
    std::optional<server> one;
    std::uint16_t port = 0;
};

TEST(websocket_stream, an_upgrade_behind_unread_answers_waits_its_turn_and_what_follows_it_is_not_lost) {
    board_server at;
    raw_client client(at.port);
    client.socket().set_option(asio::socket_base::receive_buffer_size(64 * 1024));
    constexpr int before = 1'500;
    std::string bytes;
    for (int i = 0; i < before; ++i) bytes += "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::thread sender([&] { client.send(bytes + upgrade + subscribe); });
    EXPECT_TRUE(eventually([] { return bytes_held_here() > 100'000; })); // more than the kernel buffers
    for (int i = 0; i < before; ++i) client.until("\nstadion_exceptions_total ");
    client.until("HTTP/1.1 101 Switching Protocols\r\n");
    client.until("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    client.until("{\"type\":\"snapshot\"");
    sender.join();
}

TEST(websocket_stream, a_drain_says_goodbye_and_counts_them) {
    board_server at;
    raw_client client(at.port);
    client.send(upgrade + subscribe);
    client.until("\"teams\":[]}");
    EXPECT_EQ(at.one->connections(), 1u);
    std::thread stopper([&] { at.one->drain(10s); });
    client.until(std::string("\x88\x12\x03\xe9", 4) + "the server stops");
    client.send(frame(0x88, "\x03\xe9"));
    client.rest(); // then the server closes
    stopper.join();
    EXPECT_TRUE(eventually([&] { return at.one->connections() == 0; }));
}

// For AddressSanitizer: streams that are still open end before the board.
TEST(websocket_stream, the_board_may_end_while_clients_are_still_connected) {
    board_server at;
    std::vector<std::unique_ptr<raw_client>> clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(std::make_unique<raw_client>(at.port));
        clients.back()->send(i % 2 == 0 ? upgrade + subscribe
                                        : "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        clients.back()->until("\"teams\":[]}");
    }
    at.stop();
}

TEST(websocket_stream, a_client_that_asks_without_reading_is_not_listened_to) {
    board_server at;
    at.fill(100'000);
    raw_client client(at.port);
    client.send(upgrade);
    client.until("\r\n\r\n");
    // The answers to all of it would have 100 MB.
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += subscribe;
    client.send(bytes);
    const auto worker_bytes = [&] { return bytes_held_here(); };
    ASSERT_TRUE(eventually([&] { return worker_bytes() > 1'000'000; }));
    at.threads.run_on_each([](worker&) {});
    EXPECT_LT(worker_bytes(), 8u << 20);
    // When the client reads, it gets all answers.
    for (int i = 0; i < 1000; ++i) client.until("{\"type\":\"snapshot\"");
}

TEST(websocket_stream, pings_are_answered_and_nonsense_is_explained) {
    board_server at;
    raw_client client(at.port);
    client.send(upgrade + frame(0x89, "beat") + frame(0x81, "{\"subscribe\":3}") +
                frame(0x81, R"({"subscribe":[],"subscribe":[]})") + frame(0x81, "{'subscribe':[]}"));
    client.until(std::string("\x8a\x04", 2) + "beat");
    client.until("expected {");
    client.until("'subscribe' is there twice");
    client.until("key in double quotes");
    client.send(frame(0x82, "binary"));
    client.until(std::string("\x03\xeb", 2) + "messages are text");
    client.rest();
}

TEST(websocket_stream, a_close_is_answered_with_its_code) {
    board_server at;
    raw_client client(at.port);
    client.send(upgrade + frame(0x88, "\x03\xe8"));
    client.until(std::string("\x88\x02\x03\xe8", 4));
    EXPECT_EQ(client.rest(), "");
}

TEST(websocket_stream, a_request_that_is_no_upgrade_is_told_what_is_spoken) {
    board_server at;
    raw_client client(at.port);
    client.send("GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const auto answer = client.rest();
    EXPECT_NE(answer.find("426 Upgrade Required"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Upgrade: websocket\r\n"), std::string::npos) << answer;
    raw_client body(at.port);
    auto with_body = upgrade;
    with_body.insert(with_body.size() - 2, "Content-Length: 1\r\n");
    body.send(with_body + "x");
    body.until("an upgrade has no body");
}

} // namespace
} // namespace stadion::net
