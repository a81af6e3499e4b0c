#include "frontend/past_route.hpp"

#include "net/http/http_client.hpp"
#include "net/session/http_session.hpp"

namespace stadion::frontend {
namespace {

using namespace std::chrono_literals;
using exchange_ptr = std::shared_ptr<net::http_exchange>;

constexpr auto answer_within = 5s;

// The same question, with the view that this front-end decided on.
std::string target_for(const net::http_request& request, net::board_view view) {
    auto target = request.target.substr(0, request.target.find('?'));
    target += view == net::board_view::live ? "?view=live" : "?view=public";
    for (const auto& [name, value] : request.query)
        if (name != "view") target += "&" + net::percent_encode(name) + "=" + net::percent_encode(value);
    return target;
}

net::awaitable<void> pass_on(net::http_client& client, std::string address, net::http_client_request question,
                             exchange_ptr exchange) {
    auto answer = co_await client.ask_whole(address, question, answer_within);
    if (answer) co_return exchange->respond(std::move(*answer));
    auto failure = std::move(answer).error();
    failure.retry_after = 1s;
    exchange->fail(failure);
}

} // namespace

net::past_reader remote_past(net::runtime& threads, std::function<std::string()> database) {
    auto clients = std::make_shared<std::vector<std::unique_ptr<net::http_client>>>();
    for (std::size_t i = 0; i < threads.size(); ++i)
        clients->push_back(std::make_unique<net::http_client>(threads.at(i)));
    return [clients, database = std::move(database)](net::http_request&& request, net::board_view view,
                                                     const exchange_ptr& exchange) {
        auto address = database();
        if (address.empty()) {
            auto failure = wire::make_error(wire::status::unavailable,
                                            "the database server, which keeps the history, is away");
            failure.retry_after = 1s;
            return exchange->fail(failure);
        }
        net::http_client_request question;
        question.target = target_for(request, view);
        question.may_repeat = true;
        // The caller's token, and only where it is needed. This server's own token is not sent, because the
        // peer has not authenticated itself.
        if (const auto shown = request.header("authorization");
            view == net::board_view::live && !shown.empty())
            question.headers.emplace_back("Authorization", shown);
        net::asio::co_spawn(
            exchange->home().context(),
            pass_on(*(*clients)[exchange->home().index()], std::move(address), std::move(question), exchange),
            [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
    };
}

} // namespace stadion::frontend
