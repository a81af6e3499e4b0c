#include "net/board/board_rpc.hpp"

#include "test/net/raw_client.hpp"

namespace stadion::net {
namespace {

using wire::status;

class no_writer final : public board_writer {
public:
    void write(worker&, v1::Mutation, std::chrono::milliseconds, handler done) override { done({}); }
};

board_event_ptr score(std::uint64_t sequence) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("games/hockey");
    event.mutable_score()->set_game("hockey");
    event.mutable_score()->set_sequence(sequence);
    return std::make_shared<const wire::board_event>(std::move(event));
}

class board_rpc : public testing::Test {
protected:
    board_rpc() {
        add_front_end_rpc(server_, boards, writer_);
        const auto address = server_.listen("127.0.0.1", 0);
        port = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
    }
    ~board_rpc() override {
        server_.drain(0ms);
        threads.run_on_each([](worker&) {});
        threads.stop();
    }

    void fill(std::uint64_t board, std::uint64_t sequence) {
        auto now = std::make_shared<board_snapshot>();
        now->board = board;
        now->sequence = sequence;
        now->states = {score(sequence)};
        boards.replace(now);
        threads.run_on_each([](worker&) {});
    }
    static void ask(raw_client& by, std::uint64_t id, std::uint16_t method, wire::position seen,
                    std::string_view body = {}) {
        v1::Metadata metadata;
        metadata.set_seen_board(seen.board);
        metadata.set_seen_sequence(seen.sequence);
        std::string bytes;
        wire::append_frame(bytes, {wire::frame_kind::request, 0, method, id, 20'000},
                           metadata.SerializeAsString(), body);
        by.send(bytes);
    }

    runtime threads{2};
    board_set boards{threads};
    std::uint16_t port = 0;

private:
    no_writer writer_;
    server server_{threads, "frontend", {}};
};

TEST_F(board_rpc, without_a_board_every_read_and_stream_is_told_when_to_come_again) {
    greeted_client client(port);
    for (const std::uint16_t method :
         {query_method, std::uint16_t{0x0204}, subscribe_method, list_games_method, list_teams_method}) {
        client.request(method, method);
        const auto reply = client.next();
        EXPECT_EQ(status_of(reply), status::unavailable) << method;
        v1::Error error;
        ASSERT_TRUE(error.ParseFromString(reply.body));
        EXPECT_GT(error.retry_after_ms(), 0u);
    }
}

TEST_F(board_rpc, lists_wait_for_what_the_caller_has_seen_as_single_queries_do) {
    fill(7, 5);
    greeted_client client(port);
    ask(client, 1, list_games_method, {7, 6});
    ask(client, 2, list_teams_method, {0, 6});
    ask(client, 3, query_method, {7, 6}, query("hockey"));
    ask(client, 4, list_games_method, {7, 5});
    EXPECT_EQ(client.next().header.id, 4u); // the others are waiting
    boards.publish(std::make_shared<event_batch>(event_batch{score(6)}));
    for (int i = 0; i < 3; ++i) {
        const auto reply = client.next();
        EXPECT_EQ(status_of(reply), status::ok);
        v1::ListGamesResponse games;
        if (reply.header.id != 1) continue;
        ASSERT_TRUE(games.ParseFromString(reply.body));
        EXPECT_EQ(games.games(0).sequence(), 6u);
    }
}

TEST_F(board_rpc, whoever_has_seen_another_board_gets_the_newest_of_this_one) {
    fill(7, 5);
    greeted_client client(port);
    ask(client, 1, list_games_method, {6, 900});
    EXPECT_EQ(status_of(client.next()), status::ok);
    v1::SubscribeRequest request;
    request.set_since(900);
    request.set_board(6);
    client.request(2, subscribe_method, request.SerializeAsString());
    v1::Event reset, state;
    ASSERT_TRUE(reset.ParseFromString(client.next().body));
    EXPECT_EQ(reset.reset().board(), 7u);
    EXPECT_EQ(reset.reset().states(), 1u);
    EXPECT_EQ(reset.sequence(), 5u);
    ASSERT_TRUE(state.ParseFromString(client.next().body));
    EXPECT_EQ(state.score().sequence(), 5u);
}

} // namespace
} // namespace stadion::net
