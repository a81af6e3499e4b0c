// `stadion up`: a whole fleet on this machine, with addresses to try, and with --demo something to watch.
//
// The fleet is that of a dispatcher, which runs as a process of its own and is watched here: it is started
// again when it dies, and nothing of it outlives us.
#include "tools/command/commands.hpp"
#include "tools/replay/demo_player.hpp"
#include "tools/server/dispatcher_settings.hpp"
#include "tools/server/watched_dispatcher.hpp"

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>

namespace stadion::tools {
namespace {

struct settings {
    dispatcher_settings fleet;
    bool demo = false;
};

// Data goes to stdout, everything else to stderr: this is for a person to read.
void print_banner(const std::string& dispatcher,
                  const std::vector<std::pair<std::string, std::string>>& servers) {
    std::string front_end = dispatcher, database;
    std::string text =
        "\nStadion is up. Ctrl-C stops everything.\n\n    web page     http://" + dispatcher + "/\n";
    for (const auto& [kind, address] : servers) {
        if (kind == "frontend" && front_end == dispatcher) front_end = address;
        if (kind == "dbserver") database = address;
        text +=
            (kind == "frontend" ? "    front-end    http://" : "    database     http://") + address + "\n";
    }
    text += "\nTry:\n"
            "    curl " +
            front_end +
            "/v1/teams\n"
            "    curl " +
            front_end +
            "/v1/games\n"
            "    curl -N '" +
            front_end +
            "/v1/stream?topics=games/*,teams/*'\n"
            "    curl -d '{\"game\":\"hockey\",\"points\":{\"gauls\":1}}' " +
            front_end +
            "/update_score_by_game\n"
            "    curl '" +
            front_end +
            "/query_score_by_game?game=hockey'\n"
            "    curl " +
            dispatcher + "/getAllServers\n\n";
    std::fputs(text.c_str(), stderr);
}

class visible_fleet {
public:
    visible_fleet(const settings& from, net::runtime& threads, std::vector<std::string> arguments,
                  std::function<void()> on_end)
        : from_(from),
          access_(read_access(from.fleet.server)),
          home_(threads.at(0)),
          dispatcher_(home_, net::own_program_path(), std::move(arguments)) {
        dispatcher_.on_news = [](const std::string& line) { say(line); };
        dispatcher_.on_ready = [this](std::string_view kind, std::string_view address) {
            say_ready(kind, address);
            ready(std::string(kind), std::string(address));
        };
        dispatcher_.on_end = [this, on_end = std::move(on_end)](int status) {
            ended_.set_value(status);
            if (!is_stopping_) on_end();
        };
        home_.post([this] { dispatcher_.start(); });
    }

    // On a thread that is no worker; the exit status.
    int stop() {
        std::unique_ptr<demo_player> player;
        run([&] { player = std::move(player_); });
        if (player) player->stop();
        run([this] {
            is_stopping_ = true;
            dispatcher_.stop();
        });
        const int status = end_.get();
        std::promise<void> alone;
        run([&] {
            if (!dispatcher_.has_had_servers()) return alone.set_value();
            stop_leftovers(home_, from_.fleet.data, drain_within, [&] { alone.set_value(); });
        });
        alone.get_future().wait();
        return status;
    }

    // When there is no time left. Any thread.
    void stop_at_once() {
        home_.post([this] { dispatcher_.stop(); });
        end_.wait_for(std::chrono::seconds(3));
    }

private:
    static void say(const std::string& what) {
        const auto line = "stadion: " + what + "\n";
        std::fputs(line.c_str(), stderr);
    }

    void run(const std::function<void()>& task) {
        std::promise<void> ran;
        home_.post([&] {
            task();
            ran.set_value();
        });
        ran.get_future().wait();
    }

    void ready(std::string kind, std::string address) {
        if (kind != "dispatcher") return void(servers_.emplace_back(std::move(kind), std::move(address)));
        print_banner(address, servers_);
        if (!from_.demo) return;
        player_ = std::make_unique<demo_player>(home_, address, access_.own_token(net::role::scorer));
        player_->start();
    }

    const settings& from_;
    net::access_policy access_;
    net::worker& home_;
    watched_dispatcher dispatcher_;
    std::vector<std::pair<std::string, std::string>> servers_;
    std::unique_ptr<demo_player> player_;
    bool is_stopping_ = false;
    std::promise<int> ended_;
    std::shared_future<int> end_ = ended_.get_future().share();
};

int run_up(const settings& from, std::vector<std::string> arguments) {
    set_up_log(from.fleet.server, "up");
    ::unsetenv("STADION_CONFIG"); // what it says is in the arguments
    arguments.insert(arguments.begin(), "dispatcher");
    stop_signals signals; // before any thread, so that all have them blocked
    net::runtime threads(1);
    visible_fleet fleet(from, threads, std::move(arguments), [&signals] { signals.request(); });
    signals.wait();
    int status = done;
    signals.finish_or_die(
        [&] {
            status = fleet.stop();
            threads.stop();
        },
        [&] { fleet.stop_at_once(); });
    return status;
}

} // namespace

void add_up(command program) {
    const auto up = program.subcommand("up", "a whole fleet on this machine, until Ctrl-C");
    const auto from = std::make_shared<settings>();
    up.flag("--demo", from->demo, "load a small real event and play it");
    add_dispatcher_settings(up, from->fleet);
    up.runs([up, from] { return run_up(*from, up.arguments({"demo", "help"})); });
}

} // namespace stadion::tools
