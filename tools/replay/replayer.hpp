// Plays a tournament into the running fleet: updates in order of time, of one game one at a time, many games
// at once. At the end every score is read back. Threading: the session's worker.
#pragma once

#include "tools/client/client_session.hpp"
#include "tools/replay/tournament.hpp"

#include <atomic>

namespace stadion::tools {

struct replay_plan {
    double speed = 0;                           // seconds of the tournament in a second; 0: without pauses
    std::chrono::milliseconds pause_max{2'000}; // longer pauses between updates are cut
    std::size_t in_flight_max = 64;
};

struct replay_report {
    std::size_t games = 0;
    std::size_t updates = 0;
    std::size_t goals = 0;
    std::vector<std::string> failures; // a sentence each; empty: every score was right
    std::chrono::duration<double> took{};
    std::uint64_t sequence = 0; // the highest one that was made
};

class replayer {
public:
    replayer(net::worker& home, client_session& session, const tournament& event, replay_plan plan);

    net::awaitable<replay_report> run();

    // Any thread.
    std::size_t done() const noexcept { return done_; }
    std::size_t total() const noexcept { return steps_.size(); }
    void cancel() noexcept { cancelled_ = true; }

private:
    net::awaitable<void> play();
    net::awaitable<void> write(std::size_t step);
    net::awaitable<void> verify(std::size_t match);
    net::awaitable<void> wait_while(std::function<bool()> holds);
    void fail(std::string why);
    void changed();

    net::worker& home_;
    client_session& session_;
    const tournament& event_;
    const replay_plan plan_;
    std::vector<score_update> steps_;
    std::vector<bool> busy_; // by match
    std::size_t in_flight_ = 0;
    std::atomic<std::size_t> done_{0};
    std::atomic<bool> cancelled_{false};
    net::asio::steady_timer changed_;
    net::task_group tasks_;
    replay_report report_;
};

} // namespace stadion::tools
