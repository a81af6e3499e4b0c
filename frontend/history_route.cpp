#include "frontend/history_route.hpp"

#include "net/http_client.hpp"

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_within = 5s;

net::awaitable<net::http_response> pass_on(net::http_client& client, std::string address,
                                           std::shared_ptr<const net::http_request> request) {
    net::http_client_request question;
    question.target = request->target;
    question.may_repeat = true;
    auto answer = co_await client.ask_whole(address, question, answer_within);
    if (answer) co_return std::move(*answer);
    auto failure = std::move(answer).error();
    failure.retry_after = 1s;
    co_return net::problem(failure);
}

net::awaitable<net::http_response> without_database() {
    auto failure =
        wire::make_error(wire::status::unavailable, "the database server, which keeps the history, is away");
    failure.retry_after = 1s;
    co_return net::problem(failure);
}

} // namespace

void add_history_route(net::server& to, std::function<std::string()> database) {
    auto clients = std::make_shared<std::vector<std::unique_ptr<net::http_client>>>();
    for (std::size_t i = 0; i < to.threads().size(); ++i)
        clients->push_back(std::make_unique<net::http_client>(to.threads().at(i)));
    to.http().on_async(net::http_method::get, "/v1/games/{game}/history", net::anyone,
                       [clients, database, &to](std::shared_ptr<const net::http_request> request) {
                           const auto address = database();
                           if (address.empty()) return without_database();
                           std::size_t here = 0;
                           for (std::size_t i = 0; i < to.threads().size(); ++i)
                               if (to.threads().at(i).is_current()) here = i;
                           return pass_on(*(*clients)[here], address, std::move(request));
                       });
}

} // namespace stadion::frontend
