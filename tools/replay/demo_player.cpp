#include "tools/replay/demo_player.hpp"

#include "tools/demo/demo_data.hpp"
#include "wire/method_numbers.hpp"
#include "wire/printable.hpp"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <future>
#include <sstream>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto between_steps = 1s;
constexpr auto try_again_after = 500ms;

std::vector<std::string> split_line(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    return cells;
}

} // namespace

demo_player::demo_player(net::worker& home, std::string dispatcher, std::string token)
    : home_(home), dispatcher_(std::move(dispatcher)), token_(std::move(token)), http_(home), tasks_(home) {}

void demo_player::start() { tasks_.spawn(play()); }

void demo_player::stop() {
    std::promise<void> ended;
    home_.post([&] {
        tasks_.cancel();
        tasks_.when_empty([&] {
            if (link_) link_->close();
            ended.set_value();
        });
    });
    ended.get_future().wait();
}

net::awaitable<void> demo_player::pause(std::chrono::milliseconds length) {
    net::asio::steady_timer timer(home_.context(), length);
    co_await timer.async_wait(net::use_awaitable);
}

net::awaitable<void> demo_player::play() {
    co_await load_medals();
    co_await find_front_end();
    const auto event = parse_tournament(demo_matches_json());
    if (!event) {
        spdlog::error("the demo's matches cannot be played: {}", event.error().message);
        co_return;
    }
    const auto updates = timeline(*event);
    // One run's keys are not another's: a second run plays the same matches again.
    const auto run =
        "demo-" + std::to_string(std::chrono::system_clock::now().time_since_epoch().count()) + "-";
    for (std::size_t i = 0; i < updates.size(); ++i) {
        co_await write(to_request(event->matches[updates[i].match], updates[i]), run + std::to_string(i));
        co_await pause(between_steps);
    }
    spdlog::info("the demo has been played to its end");
}

// Sets each team's medals rather than adding to them, so that a second run changes nothing.
net::awaitable<void> demo_player::load_medals() {
    std::istringstream lines{std::string(demo_medals_csv())};
    std::string line;
    std::getline(lines, line); // the names of the columns
    while (std::getline(lines, line)) {
        const auto cells = split_line(line);
        if (cells.size() < 6) continue;
        net::http_client_request request;
        request.method = "PUT";
        request.target = "/v1/teams/" + net::percent_encode(cells[2]);
        request.headers = {{"Content-Type", "application/json"}};
        if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
        request.body = "{\"gold\":" + cells[3] + ",\"silver\":" + cells[4] + ",\"bronze\":" + cells[5] + "}";
        request.may_repeat = true;
        for (;;) {
            auto answer = co_await http_.ask_whole(dispatcher_, request, 10s);
            if (answer && answer->status < 500) {
                if (answer->status >= 300)
                    spdlog::error("the medals of {} are refused: {}", wire::printable(cells[2]),
                                  wire::printable(answer->body));
                break;
            }
            co_await pause(try_again_after);
        }
    }
}

net::link_options demo_player::options() const {
    net::link_options options;
    options.role = "client";
    options.node = "demo";
    options.token = token_;
    return options;
}

// As every client does: asks the dispatcher once, then talks to its front-end and, if that is lost, to the
// backup.
net::awaitable<void> demo_player::find_front_end() {
    const auto dispatcher = std::make_shared<net::link>(home_, options());
    dispatcher->connect({dispatcher_});
    v1::AssignRequest request;
    request.set_client_id("demo");
    for (;;) {
        auto assigned = co_await dispatcher->ask<v1::AssignResponse>(wire::rpc::dispatcher_assign, request);
        if (assigned) {
            std::vector<std::string> addresses{assigned->master().address()};
            if (assigned->has_backup()) addresses.push_back(assigned->backup().address());
            link_ = std::make_shared<net::link>(home_, options());
            link_->connect(addresses);
            break;
        }
        co_await pause(try_again_after);
    }
    dispatcher->close();
}

net::awaitable<void> demo_player::write(v1::UpdateScoreByGameRequest update, std::string key) {
    net::call_options options;
    options.idempotency_key = std::move(key);
    for (;;) {
        auto score =
            co_await link_->ask<v1::Score>(wire::rpc::front_end_update_score_by_game, update, options);
        if (score) co_return;
        using wire::status;
        const auto code = score.error().code;
        if (code != status::unavailable && code != status::deadline_exceeded &&
            code != status::resource_exhausted) {
            spdlog::error("{} is refused: {}", wire::printable(update.game()),
                          wire::printable(score.error().message));
            co_return;
        }
        co_await pause(std::max<std::chrono::milliseconds>(score.error().retry_after, try_again_after));
    }
}

} // namespace stadion::tools
