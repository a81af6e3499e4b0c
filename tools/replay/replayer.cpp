#include "tools/replay/replayer.hpp"

#include "wire/method_numbers.hpp"

#include <boost/asio/redirect_error.hpp>

namespace stadion::tools {
namespace {

constexpr std::size_t failures_max = 20;
constexpr std::chrono::milliseconds check_every{10};

} // namespace

replayer::replayer(net::worker& home, client_session& session, const tournament& event, replay_plan plan)
    : home_(home),
      session_(session),
      event_(event),
      plan_(plan),
      steps_(timeline(event)),
      busy_(event.matches.size()),
      changed_(home.context()),
      tasks_(home) {}

net::awaitable<replay_report> replayer::run() {
    const auto start = std::chrono::steady_clock::now();
    co_await play();
    co_await wait_while([this] { return in_flight_ != 0; });
    for (std::size_t i = 0; i < event_.matches.size() && !cancelled_; ++i) {
        co_await wait_while([this] { return in_flight_ >= plan_.in_flight_max; });
        ++in_flight_;
        tasks_.spawn(verify(i));
    }
    co_await wait_while([this] { return in_flight_ != 0 || tasks_.size() != 0; });
    report_.games = event_.matches.size();
    report_.took = std::chrono::steady_clock::now() - start;
    if (cancelled_) fail("stopped before the end");
    co_return report_;
}

net::awaitable<void> replayer::play() {
    for (std::size_t step = 0; step < steps_.size() && !cancelled_; ++step) {
        if (plan_.speed > 0 && step > 0) {
            const std::chrono::duration<double> pause = (steps_[step].at - steps_[step - 1].at) / plan_.speed;
            net::asio::steady_timer pace(
                home_.context(),
                std::min(std::chrono::duration_cast<std::chrono::milliseconds>(pause), plan_.pause_max));
            net::error_code ignored;
            co_await pace.async_wait(net::asio::redirect_error(net::use_awaitable, ignored));
        }
        const auto match = steps_[step].match;
        co_await wait_while([&] { return busy_[match] || in_flight_ >= plan_.in_flight_max; });
        busy_[match] = true;
        ++in_flight_;
        tasks_.spawn(write(step));
    }
}

net::awaitable<void> replayer::write(std::size_t step) {
    const auto& update = steps_[step];
    const auto& match = event_.matches[update.match];
    const auto made = co_await session_.write<v1::Score>(wire::rpc::front_end_update_score_by_game,
                                                         to_request(match, update));
    if (made) {
        session_.saw(made->sequence());
        report_.sequence = std::max(report_.sequence, made->sequence());
        ++report_.updates;
        if (update.status == v1::Score::OFFICIAL) report_.goals += match.goals.size();
    } else {
        fail(match.game + " could not be written: " + made.error().message);
    }
    busy_[update.match] = false;
    --in_flight_;
    ++done_;
    changed();
}

net::awaitable<void> replayer::verify(std::size_t index) {
    const auto& match = event_.matches[index];
    v1::QueryScoreByGameRequest request;
    request.set_game(match.game);
    const auto score =
        co_await session_.read<v1::Score>(wire::rpc::front_end_query_score_by_game, std::move(request));
    std::array<std::int32_t, 2> expected{};
    for (const auto& scored : match.goals) ++expected[static_cast<std::size_t>(scored.team)];
    if (!score) {
        fail(match.game + " could not be read: " + score.error().message);
    } else {
        bool right = score->points().size() == 2 &&
                     score->status() == (match.is_played ? v1::Score::OFFICIAL : v1::Score::START_LIST);
        for (const std::size_t team : {0, 1}) {
            const auto found = score->points().find(match.teams[team]);
            right = right && found != score->points().end() && found->second == expected[team];
        }
        if (!right)
            fail(match.game + " is wrong: " + score->ShortDebugString() + " instead of " +
                 std::to_string(expected[0]) + "-" + std::to_string(expected[1]));
    }
    --in_flight_;
    changed();
}

net::awaitable<void> replayer::wait_while(std::function<bool()> holds) {
    while (holds()) {
        changed_.expires_after(check_every);
        net::error_code ignored;
        co_await changed_.async_wait(net::asio::redirect_error(net::use_awaitable, ignored));
    }
}

void replayer::changed() { changed_.cancel(); }

void replayer::fail(std::string why) {
    if (report_.failures.size() < failures_max) report_.failures.push_back(std::move(why));
}

} // namespace stadion::tools
