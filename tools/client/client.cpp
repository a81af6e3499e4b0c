// `stadion client`: a person's seat at the board. The session does the work (client_session.hpp); here lines
// become calls and answers become lines. With a pipe instead of a terminal it runs the lines it is given and
// ends.
#include "net/http/http_client.hpp"
#include "tools/client/board_control.hpp"
#include "tools/client/board_text.hpp"
#include "tools/client/client_session.hpp"
#include "tools/client/words.hpp"
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/wait_for.hpp"
#include "wire/json.hpp"
#include "wire/method_numbers.hpp"
#include "wire/number.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>

namespace stadion::tools {
namespace {

constexpr std::chrono::milliseconds register_within{10'000};
constexpr std::chrono::milliseconds answer_within{10'000};
constexpr std::uint32_t page_size = 200;

struct client_command_options {
    fleet_options fleet;
    std::string user;
};

wire::result<int> parse_number(const std::string& text) {
    const auto value = wire::parse_number<int>(text);
    if (!value) return wire::make_error(wire::status::invalid_argument, "'" + text + "' is not a number");
    return *value;
}

class client {
public:
    using words = std::vector<std::string>;

    client(const client_command_options& wanted, console& terminal, net::worker& home)
        : wanted_(wanted),
          console_(terminal),
          home_(home),
          session_(std::make_shared<client_session>(
              home, client_options{wanted.fleet.dispatcher, wanted.user, wanted.fleet.token},
              client_session::handlers{
                  [this](const v1::Event& event) { later([this, event] { print(event); }); },
                  [this](std::string_view said) {
                      later([this, text = std::string(said)] { console_.complain("* " + text); });
                  }})) {}

    int run() {
        home_.post([session = session_] { session->start(); });
        const auto entered = wait_for(console_, home_, session_->registered(register_within));
        bool all_done = entered && *entered;
        if (entered && !*entered) console_.complain(entered->error().message);
        if (all_done) {
            if (console_.is_terminal())
                console_.complain("you are " + wanted_.user + "; help shows what there is");
            while (!ended_ && !console_.was_terminated()) {
                const auto line = console_.next_line();
                if (!line) break;
                all_done = run_line(*line) && all_done;
            }
            // What is watched goes on after the end of a pipe, until Ctrl-C.
            if (watching_ && !ended_ && !console_.is_terminal()) console_.wait_until([] { return false; });
        }
        run_to_end(home_, session_->stop());
        return all_done || (console_.is_terminal() && entered && *entered) ? done : failed;
    }

    static std::vector<std::string> complete(std::string_view before, std::string_view word) {
        std::vector<std::string> found;
        if (before.find_first_not_of(' ') == std::string_view::npos)
            for (const auto& one : verbs)
                if (one.name.starts_with(word)) found.emplace_back(one.name);
        return found;
    }

private:
    void later(std::function<void()> task) { console_.post(std::move(task)); }

    bool run_line(const std::string& line) {
        const auto split = split_words(line);
        if (!split) return refuse(split.error());
        if (split->empty() || split->front().starts_with('#')) return true;
        const auto wanted = std::find_if(verbs.begin(), verbs.end(),
                                         [&](const auto& one) { return one.name == split->front(); });
        if (wanted == verbs.end())
            return misused("'" + split->front() + "' is no command; help shows what there is");
        const words rest(split->begin() + 1, split->end());
        if (rest.size() < wanted->words_min || rest.size() > wanted->words_max)
            return misused("it is: " + wanted->usage());
        return (this->*wanted->run)(rest);
    }

    bool misused(const std::string& how) {
        return refuse(wire::make_error(wire::status::invalid_argument, how));
    }

    bool refuse(const wire::error& failure) {
        console_.complain(std::string(wire::status_name(failure.code)) + ": " + failure.message);
        return false;
    }

    // Waits for the answer and shows it; false, having said why, when there is none.
    template <typename Response, typename Show>
    bool show(net::awaitable<wire::result<Response>> task, Show print_it) {
        const auto answer = wait_for(console_, home_, std::move(task));
        if (!answer)
            return refuse(wire::make_error(wire::status::cancelled, "interrupted; it may still happen"));
        if (!*answer) return refuse(answer->error());
        print_it(**answer);
        return true;
    }

    void print(const google::protobuf::Message& message, const std::string& line) {
        console_.print(wanted_.fleet.json ? wire::to_json(message) : line);
    }
    void print(const v1::Event& event) { print(event, to_line(event)); }

    bool games(const words& rest) {
        v1::ListGamesRequest request;
        request.set_page_size(page_size);
        if (!rest.empty()) {
            v1::Score::Status wanted{};
            if (!v1::Score::Status_Parse(rest[0], &wanted))
                return refuse(wire::make_error(wire::status::invalid_argument, "no such status: " + rest[0]));
            request.set_status(wanted);
        }
        for (;;) {
            std::string next;
            const bool fine =
                show(session_->read<v1::ListGamesResponse>(wire::rpc::front_end_list_games, request),
                     [&](const auto& page) {
                         for (const auto& one : page.games()) print(one, to_line(one));
                         next = page.next_page_token();
                     });
            if (!fine || next.empty()) return fine;
            request.set_page_token(next);
        }
    }

    bool teams(const words&) {
        v1::ListTeamsRequest request;
        for (;;) {
            std::string next;
            const bool fine =
                show(session_->read<v1::ListTeamsResponse>(wire::rpc::front_end_list_teams, request),
                     [&](const auto& page) {
                         for (const auto& one : page.teams()) print(one, to_line(one));
                         next = page.next_page_token();
                     });
            if (!fine || next.empty()) return fine;
            request.set_page_token(next);
        }
    }

    bool game(const words& rest) {
        v1::QueryScoreByGameRequest request;
        request.set_game(rest[0]);
        return show(session_->read<v1::Score>(wire::rpc::front_end_query_score_by_game, request),
                    [&](const auto& one) { print(one, to_line(one)); });
    }

    bool team(const words& rest) {
        v1::QueryMedalTallyByTeamRequest request;
        request.set_team(rest[0]);
        return show(session_->read<v1::MedalTally>(wire::rpc::front_end_query_medal_tally_by_team, request),
                    [&](const auto& one) { print(one, to_line(one)); });
    }

    bool set(const words& rest) {
        if (rest.size() % 2 == 0) return misused("'" + rest.back() + "' has no points");
        v1::UpdateScoreByGameRequest request;
        request.set_game(rest[0]);
        for (std::size_t i = 1; i < rest.size(); i += 2) {
            const auto points = parse_number(rest[i + 1]);
            if (!points) return refuse(points.error());
            (*request.mutable_points())[rest[i]] = *points;
        }
        return show(session_->write<v1::Score>(wire::rpc::front_end_update_score_by_game, request),
                    [&](const auto& one) {
                        home_.post(
                            [session = session_, sequence = one.sequence()] { session->saw(sequence); });
                        print(one, to_line(one));
                    });
    }

    bool medal(const words& rest) {
        v1::IncrementMedalTallyRequest request;
        request.set_team(rest[0]);
        request.set_medal(rest[1]);
        const auto by = rest.size() == 3 ? parse_number(rest[2]) : wire::result<int>(1);
        if (!by) return refuse(by.error());
        request.set_by(*by);
        return show(session_->write<v1::MedalTally>(wire::rpc::front_end_increment_medal_tally, request),
                    [&](const auto& one) {
                        home_.post(
                            [session = session_, sequence = one.sequence()] { session->saw(sequence); });
                        print(one, to_line(one));
                    });
    }

    // What has no RPC goes over HTTP, by way of the dispatcher, which passes it on to a server that is there;
    // under its key it happens once, however often it is passed on.
    template <typename Lines>
    bool ask_over_http(std::string method, std::string path, std::string body, Lines lines) {
        net::http_client_request request;
        request.method = std::move(method);
        request.target = std::move(path);
        request.body = std::move(body);
        request.may_repeat = true;
        if (!wanted_.fleet.token.empty())
            request.headers.emplace_back("Authorization", "Bearer " + wanted_.fleet.token);
        if (!request.body.empty()) {
            request.headers.emplace_back("Content-Type", "application/json");
            request.headers.emplace_back("Idempotency-Key", key_prefix_ + std::to_string(++keys_));
        }
        const auto answer = wait_for(
            console_, home_, http_.ask_whole(wanted_.fleet.dispatcher, std::move(request), answer_within));
        if (!answer)
            return refuse(wire::make_error(wire::status::cancelled, "interrupted; it may still happen"));
        if (!*answer) return refuse(answer->error());
        const auto good = body_of(**answer);
        if (!good) return refuse(good.error());
        if (wanted_.fleet.json) return console_.print(*good), true;
        const auto shown = lines(*good);
        if (!shown) return refuse(shown.error());
        for (const auto& line : *shown) console_.print(line);
        return true;
    }

    bool freeze(const words&) { return ask_over_http("PUT", "/v1/state", freeze_body(true), state_lines); }
    bool thaw(const words&) { return ask_over_http("PUT", "/v1/state", freeze_body(false), state_lines); }
    bool difference(const words&) {
        return ask_over_http("GET", "/v1/state/difference", {}, difference_lines);
    }

    bool reverse(const words& rest) {
        const auto sequence = wire::parse_number<std::uint64_t>(rest[0]);
        if (!sequence) return misused("'" + rest[0] + "' is no sequence; watch shows them");
        std::string why = rest[1];
        for (std::size_t i = 2; i < rest.size(); ++i) why += " " + rest[i];
        return ask_over_http("POST", reversal_path(*sequence), reversal_body(why), reversal_lines);
    }

    bool watch(const words& topics) {
        watching_ = true;
        home_.post([session = session_, topics] { session->subscribe(topics); });
        return true;
    }

    bool status(const words&) {
        const auto text = [](std::shared_ptr<client_session> session) -> net::awaitable<std::string> {
            co_return (session->is_serving() ? "registered at " : "looking for a server, last at ") +
                session->server() + ", backup " + (session->backup().empty() ? "none" : session->backup()) +
                ", seen up to sequence " + std::to_string(session->seen_sequence()) + ", " +
                std::to_string(session->switches()) + " switches";
        };
        const auto answer = wait_for(console_, home_, text(session_));
        if (answer) console_.print(*answer);
        return answer.has_value();
    }

    bool quit(const words&) { return ended_ = true; }

    bool help(const words&) {
        for (const auto& one : verbs) {
            std::string line = one.usage();
            line.resize(std::max(line.size(), std::size_t{usage_width}), ' ');
            console_.print(line + std::string(one.what));
        }
        console_.print("Names with blanks are put in quotes.");
        return true;
    }

    // What can be typed: the words after the name, and what does it.
    struct verb {
        std::string_view name;
        std::string_view arguments;
        std::size_t words_min;
        std::size_t words_max;
        std::string_view what;
        bool (client::*run)(const words&);

        std::string usage() const {
            return std::string(name) + (arguments.empty() ? "" : " ") + std::string(arguments);
        }
    };
    static constexpr std::size_t usage_width = 35;
    static const std::array<verb, 14> verbs;

    const client_command_options& wanted_;
    console& console_;
    net::worker& home_;
    std::shared_ptr<client_session> session_;
    net::http_client http_{home_};
    const std::string key_prefix_ = "client-" + std::to_string(std::random_device{}()) + "-" +
                                    std::to_string(std::random_device{}()) + "-";
    std::uint64_t keys_ = 0;
    bool ended_ = false;
    bool watching_ = false;
};

constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
const std::array<client::verb, 14> client::verbs{{
    {"games", "[STATUS]", 0, 1, "every game", &client::games},
    {"teams", "", 0, 0, "the medal table", &client::teams},
    {"game", "NAME", 1, 1, "one game", &client::game},
    {"team", "NAME", 1, 1, "one team", &client::team},
    {"watch", "[TOPIC...]", 0, any, "what happens from now on: games/*, teams/gauls; all without a topic",
     &client::watch},
    {"set", "GAME TEAM POINTS ...", 3, any, "sets points", &client::set},
    {"medal", "TEAM gold|silver|bronze [N]", 2, 3, "adds N medals, 1 by default", &client::medal},
    {"freeze", "", 0, 0, "the public view stands still", &client::freeze},
    {"thaw", "", 0, 0, "the public sees what happened meanwhile", &client::thaw},
    {"difference", "", 0, 0, "what the public does not see", &client::difference},
    {"reverse", "SEQUENCE REASON ...", 2, any, "undoes one update", &client::reverse},
    {"status", "", 0, 0, "where you are connected", &client::status},
    {"help", "", 0, 0, "this list", &client::help},
    {"quit", "", 0, 0, "ends", &client::quit},
}};

int run_client(const client_command_options& wanted) {
    console terminal({wanted.user + "> ", ".stadion_client_history", client::complete});
    net::runtime threads(1);
    client seat(wanted, terminal, threads.at(0));
    const int status = seat.run();
    threads.stop();
    return status;
}

std::string default_user() {
    const char* user = std::getenv("USER");
    return (user == nullptr || *user == '\0' ? "client" : std::string(user)) + "-" +
           std::to_string(::getpid());
}

} // namespace

void add_client(command program) {
    const auto added =
        program.subcommand("client", "an interactive client that goes to its backup by itself");
    const auto wanted = std::make_shared<client_command_options>();
    wanted->user = default_user();
    added.setting("--user", wanted->user, "who you are; one place per name");
    add_fleet_options(added, wanted->fleet);
    added.runs([wanted] { return run_client(*wanted); });
}

} // namespace stadion::tools
