// `stadion up`: a whole fleet on this machine, with addresses to try, and with --demo something to watch.
#include "tools/commands.hpp"
#include "tools/demo_player.hpp"
#include "tools/dispatcher_settings.hpp"

#include <cstdio>
#include <mutex>

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

class visible_fleet final : public companion {
public:
    explicit visible_fleet(const settings& from)
        : demo_(from.demo), access_(read_access(from.fleet.server)) {}

    void start(net::runtime& threads, const std::string& dispatcher,
               const std::vector<std::pair<std::string, std::string>>& servers) override {
        print_banner(dispatcher, servers);
        if (!demo_) return;
        const std::lock_guard lock(mutex_);
        player_ =
            std::make_unique<demo_player>(threads.at(0), dispatcher, access_.own_token(net::role::scorer));
        player_->start();
    }
    void stop() override {
        const std::lock_guard lock(mutex_);
        if (player_) player_->stop();
        player_.reset(); // while its worker still lives
    }

private:
    bool demo_;
    net::access_policy access_;
    std::mutex mutex_; // begun on a worker, stopped from the thread that ends everything
    std::unique_ptr<demo_player> player_;
};

} // namespace

void add_up(CLI::App& program, command_context& context) {
    auto& command = *program.add_subcommand("up", "a whole fleet on this machine, until Ctrl-C");
    auto from = std::make_shared<settings>();
    command.add_flag("--demo", from->demo, "load a small real event and play it");
    add_dispatcher_settings(command, from->fleet);
    command.callback([&command, &context, from] {
        context.chosen = &command;
        context.run = [from] {
            visible_fleet beside(*from);
            return run_dispatcher(from->fleet, &beside);
        };
    });
}

} // namespace stadion::tools
