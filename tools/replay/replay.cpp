// `stadion replay FILE`: plays a recorded tournament into the running fleet.
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/progress_bar.hpp"
#include "tools/command/text_file.hpp"
#include "tools/command/wait_for.hpp"
#include "tools/replay/replayer.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cstdio>
#include <memory>

namespace stadion::tools {
namespace {

struct replay_options {
    fleet_options fleet;
    std::string file;
    double speed = 600;
};

constexpr std::chrono::milliseconds register_within{10'000};
constexpr std::chrono::milliseconds progress_every{100};

void print(console& terminal, const tournament& event, const replay_report& report, bool as_json) {
    if (as_json) {
        terminal.print(nlohmann::ordered_json{{"name", event.name},
                                              {"games", report.games},
                                              {"updates", report.updates},
                                              {"goals", report.goals},
                                              {"seconds", report.took.count()},
                                              {"sequence", report.sequence},
                                              {"verified", report.failures.empty()},
                                              {"failures", report.failures}}
                           .dump());
        return;
    }
    char text[160];
    std::snprintf(text, sizeof text, "%zu games, %zu goals, %zu updates in %.1f s; ", report.games,
                  report.goals, report.updates, report.took.count());
    terminal.print((event.name.empty() ? "" : event.name + ": ") + text +
                   (report.failures.empty() ? "every score read back is right" : "not all is right:"));
    for (const auto& why : report.failures) terminal.complain(why);
}

int run_replay(const replay_options& wanted) {
    console terminal({});
    const auto text = read_text_file(wanted.file);
    if (!text) return terminal.complain(text.error().message), failed;
    const auto event = parse_tournament(*text);
    if (!event) return terminal.complain(wanted.file + ": " + event.error().message), failed;
    for (const auto& one : event->matches)
        if (one.score_differs)
            terminal.complain(one.game + ": the goals listed do not add up to the file's final score");

    net::runtime threads(1);
    auto& home = threads.at(0);
    const auto session = std::make_shared<client_session>(
        home,
        client_options{wanted.fleet.dispatcher, "replay-" + std::to_string(::getpid()), wanted.fleet.token},
        client_session::handlers{nullptr, [&](std::string_view said) {
                                     terminal.post(
                                         [&terminal, text = std::string(said)] { terminal.complain(text); });
                                 }});
    home.post([session] { session->start(); });
    const auto entered = wait_for(terminal, home, session->registered(register_within));
    int status = failed;
    if (entered && *entered) {
        replayer player(home, *session, *event, {wanted.speed});
        const auto report = std::make_shared<std::optional<replay_report>>();
        net::asio::co_spawn(home.context(), deliver(player.run(), terminal, report),
                            [](std::exception_ptr failure) {
                                if (failure) std::rethrow_exception(failure);
                            });
        progress_bar bar(event->name.empty() ? "replay" : event->name);
        while (!report->has_value()) {
            const auto until = std::chrono::steady_clock::now() + progress_every;
            if (!terminal.wait_until([&] { return report->has_value(); }, progress_every) &&
                std::chrono::steady_clock::now() < until)
                player.cancel(); // Ctrl-C
            bar.show(player.done(), player.total());
        }
        bar.clear();
        print(terminal, *event, **report, wanted.fleet.json);
        status = (*report)->failures.empty() ? done : failed;
    } else if (entered) {
        terminal.complain(entered->error().message);
    }
    run_to_end(home, session->stop());
    threads.stop();
    return status;
}

} // namespace

void add_replay(command program) {
    const auto replay = program.subcommand("replay", "plays a recorded tournament into the running fleet");
    replay.footer("The file is openfootball's worldcup.json. Each match becomes a game named \"DATE "
                  "TEAM1-TEAM2\", with\n"
                  "\" (2)\" behind it for a second one of that name, and the two teams' names as the keys "
                  "of its points: one\n"
                  "point per goal listed, shoot-outs not counted. Updates come in the order of time: LIVE "
                  "0-0 at kick-off,\n"
                  "the goals, OFFICIAL at the end. Finally every score is read back; the exit status is 0 "
                  "if all are right.");
    const auto wanted = std::make_shared<replay_options>();
    replay.option("file", wanted->file, "the tournament; - reads standard input").required();
    replay
        .option("--speed", wanted->speed,
                "seconds of the tournament in a second; pauses are at most 2 s; 0: none at all")
        .show_default()
        .not_negative();
    add_fleet_options(replay, wanted->fleet);
    replay.runs([wanted] { return run_replay(*wanted); });
}

} // namespace stadion::tools
