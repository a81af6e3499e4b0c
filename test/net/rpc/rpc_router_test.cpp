#include "net/rpc/rpc_router.hpp"

#include "test/net/raw_client.hpp"

#include <gmock/gmock.h>

namespace stadion::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::status;

// A field whose length goes beyond the end of the body.
constexpr std::string_view malformed = "\x0a\x7f";

TEST(rpc_router, finds_a_method_by_its_number_once_it_has_a_handler) {
    rpc_router router;
    EXPECT_EQ(router.find(query_method), nullptr);
    router.on_encoded("FrontEnd", "QueryScoreByGame", roles(role::scorer), [](call&) {});
    const auto* route = router.find(query_method);
    ASSERT_NE(route, nullptr);
    EXPECT_EQ(route->method->full_name(), "FrontEnd.QueryScoreByGame");
    EXPECT_EQ(route->need, roles(role::scorer));
    EXPECT_EQ(router.find(update_method), nullptr);
}

TEST(rpc_router, finds_nothing_under_numbers_that_no_method_has) {
    rpc_router router;
    for (const auto& one : wire::methods().all())
        router.on_encoded(one.service, one.name, anyone, [](call&) {});
    EXPECT_EQ(router.find(0), nullptr);
    EXPECT_EQ(router.find(0xffff), nullptr);
    EXPECT_EQ(router.find(static_cast<std::uint16_t>(wire::methods().all().back().number + 1)), nullptr);
}

TEST(rpc_router, lists_what_it_offers_in_the_order_of_the_numbers) {
    rpc_router router;
    EXPECT_THAT(router.offered(), IsEmpty());
    for (const auto* method : {"ListTeams", "QueryScoreByGame", "ListGames"})
        router.on_encoded("FrontEnd", method, anyone, [](call&) {});
    std::vector<std::uint16_t> numbers;
    for (const auto* one : router.offered()) numbers.push_back(one->number);
    EXPECT_THAT(numbers, ElementsAre(query_method, list_games_method, list_teams_method));
}

TEST(rpc_router, tells_a_method_that_is_elsewhere_from_one_that_does_not_exist) {
    const auto elsewhere = rpc_router::not_offered(query_method, "dispatcher");
    EXPECT_EQ(elsewhere.code, status::unimplemented);
    EXPECT_EQ(elsewhere.message, "this dispatcher does not offer FrontEnd.QueryScoreByGame (0x0203)");
    const auto nowhere = rpc_router::not_offered(0x0999, "dispatcher");
    EXPECT_EQ(nowhere.code, status::unimplemented);
    EXPECT_EQ(nowhere.message, "no such method: 0x0999");
}

// A server with a method of each kind of handler. Each counts what reaches it.
class handlers : public testing::Test {
protected:
    handlers() {
        auto& router = server_.rpc();
        router.on<v1::QueryScoreByGameRequest>(
            "FrontEnd", "QueryScoreByGame", anyone,
            [this](const v1::QueryScoreByGameRequest& request, call&) -> wire::result<v1::Score> {
                ++reached_;
                if (request.game().empty()) return wire::make_error(status::not_found, "which game?");
                v1::Score score;
                score.set_game(request.game());
                return score;
            });
        router.on_later<v1::UpdateScoreByGameRequest>(
            "FrontEnd", "UpdateScoreByGame", anyone,
            [this](const v1::UpdateScoreByGameRequest& request, std::shared_ptr<pending_call> pending) {
                ++reached_;
                v1::Score score;
                score.set_game(request.game());
                pending->home().post([pending, score] { pending->reply(score); });
            });
        router.on_call<v1::ListGamesRequest>("FrontEnd", "ListGames", anyone,
                                             [this](const v1::ListGamesRequest&, call& one) {
                                                 ++reached_;
                                                 one.reply(v1::ListGamesResponse());
                                             });
        const auto address = server_.listen("127.0.0.1", 0);
        port_ = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
    }
    ~handlers() override {
        server_.drain(0ms);
        threads_.run_on_each([](worker&) {});
        threads_.stop();
    }

    runtime threads_{1};
    server server_{threads_, "frontend", {}};
    std::uint16_t port_ = 0;
    std::atomic<int> reached_{0};
};

TEST_F(handlers, get_the_parsed_request_and_answer_at_once_or_later) {
    greeted_client client(port_);
    for (const std::uint16_t method : {query_method, update_method}) {
        client.request(method, method, query("hockey"));
        const auto reply = client.next();
        EXPECT_EQ(status_of(reply), status::ok);
        v1::Score score;
        ASSERT_TRUE(score.ParseFromString(reply.body));
        EXPECT_EQ(score.game(), "hockey");
    }
    client.request(0xf000, list_games_method);
    EXPECT_EQ(status_of(client.next()), status::ok);
}

TEST_F(handlers, that_return_an_error_answer_it) {
    greeted_client client(port_);
    client.request(1, query_method);
    const auto reply = client.next();
    EXPECT_EQ(status_of(reply), status::not_found);
    EXPECT_EQ(message_of(reply), "which game?");
}

TEST_F(handlers, never_see_a_body_that_does_not_parse) {
    greeted_client client(port_);
    for (const std::uint16_t method : {query_method, update_method, list_games_method}) {
        client.request(method, method, malformed);
        const auto reply = client.next();
        EXPECT_EQ(reply.header.id, method);
        EXPECT_EQ(status_of(reply), status::invalid_argument);
        EXPECT_EQ(message_of(reply), "the body of " + wire::methods().find(method)->full_name() +
                                         " is not a valid " + wire::methods().find(method)->name + "Request");
    }
    EXPECT_EQ(reached_, 0);
    client.request(0xf000, query_method, query("hockey"));
    EXPECT_EQ(status_of(client.next()), status::ok) << "the connection goes on";
}

} // namespace
} // namespace stadion::net
