#include "tools/replay/loader.hpp"
#include "wire/method_numbers.hpp"

#include "wire/proto/dispatcher.pb.h"

#include <boost/asio/redirect_error.hpp>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;
using net::awaitable;

constexpr std::size_t batch_max = 200;
constexpr auto answer_within = 5'000ms;
constexpr auto pause_between = 200ms;

struct loading {
    std::shared_ptr<net::link> dispatcher;
    std::shared_ptr<net::link> database;
    std::chrono::steady_clock::time_point deadline;

    bool has_time() const { return std::chrono::steady_clock::now() < deadline; }
};

net::call_options options() {
    net::call_options one;
    one.budget = answer_within;
    return one;
}

awaitable<void> pause(net::worker& home) {
    net::asio::steady_timer timer(home.context(), pause_between);
    net::error_code ignored;
    co_await timer.async_wait(net::asio::redirect_error(net::use_awaitable, ignored));
}

awaitable<wire::result<std::string>> find_database(loading& at) {
    const auto answer = co_await at.dispatcher->ask<v1::GetAllServersResponse>(
        wire::rpc::dispatcher_get_all_servers, v1::GetAllServersRequest(), options());
    if (!answer) co_return answer.error();
    for (const auto& server : answer->servers())
        if (server.kind() == "dbserver" && server.state() != v1::Server::DOWN) co_return server.address();
    co_return wire::make_error(wire::status::unavailable, "the dispatcher knows of no database server");
}

bool is_passing(const wire::error& failure) {
    return failure.code == wire::status::unavailable || failure.code == wire::status::deadline_exceeded ||
           failure.code == wire::status::resource_exhausted || failure.outcome_unknown;
}

// What is to be done about an outcome: nothing, again, or give up.
enum class verdict : std::uint8_t { done, again, refused };

verdict judge(const v1::Outcome& outcome) {
    switch (outcome.result()) {
    case v1::Outcome::APPLIED:
    case v1::Outcome::DUPLICATE:
        return verdict::done;
    case v1::Outcome::UNAVAILABLE:
    case v1::Outcome::UNKNOWN:
        return verdict::again;
    default:
        return verdict::refused;
    }
}

awaitable<wire::result<std::uint64_t>> commit(loading& at, net::worker& home, v1::CommitRequest batch) {
    auto failure = wire::make_error(wire::status::unavailable, "no database server");
    while (at.has_time()) {
        if (auto address = co_await find_database(at)) {
            at.database->connect({*address});
            const auto answer =
                co_await at.database->ask<v1::CommitResponse>(wire::rpc::database_commit, batch, options());
            if (!answer) {
                failure = answer.error();
                if (!is_passing(failure)) co_return failure;
            } else {
                auto worst = verdict::done;
                for (const auto& outcome : answer->outcomes()) {
                    if (judge(outcome) <= worst) continue;
                    worst = judge(outcome);
                    failure = wire::make_error(static_cast<wire::status>(outcome.code()),
                                               outcome.error().message());
                }
                if (worst == verdict::done) co_return answer->sequence();
                if (worst == verdict::refused) co_return failure;
            }
        } else {
            failure = address.error();
            if (!is_passing(failure)) co_return failure;
        }
        co_await pause(home);
    }
    co_return failure;
}

} // namespace

awaitable<wire::result<std::uint64_t>> commit_all(net::worker& home, load_target to,
                                                  std::vector<v1::Mutation> mutations) {
    net::link_options link;
    link.role = "client";
    link.node = "load";
    link.token = to.token;
    loading at{std::make_shared<net::link>(home, link), std::make_shared<net::link>(home, link),
               std::chrono::steady_clock::now() + to.within};
    at.dispatcher->connect({to.dispatcher});
    std::random_device random;
    const auto prefix = "load-" + std::to_string(random()) + "-" + std::to_string(random()) + "-";
    wire::result<std::uint64_t> last = std::uint64_t{0};
    for (std::size_t begin = 0; begin < mutations.size() && last; begin += batch_max) {
        v1::CommitRequest batch;
        for (auto i = begin; i < std::min(begin + batch_max, mutations.size()); ++i) {
            auto& one = *batch.add_mutations() = mutations[i];
            if (one.idempotency_key().empty()) one.set_idempotency_key(prefix + std::to_string(i));
        }
        last = co_await commit(at, home, std::move(batch));
    }
    at.dispatcher->close();
    at.database->close();
    co_return last;
}

} // namespace stadion::tools
