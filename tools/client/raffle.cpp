// `stadion raffle`: takes the raffle's record from a server, and checks one without asking any.
#include "clocksync/raffle/raffle.hpp"
#include "net/http/http_client.hpp"
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/text_file.hpp"
#include "tools/command/wait_for.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <memory>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_within = 30s;

int verify(const std::string& file, bool json) {
    const auto record = read_text_file(file);
    if (!record) {
        std::cerr << "stadion: " << record.error().message << '\n';
        return failed;
    }
    const auto summary = clocksync::verify_record(*record);
    if (!summary) {
        std::cerr << "stadion: " << file << ": " << summary.error().message << '\n';
        return failed;
    }
    if (json)
        std::cout << nlohmann::ordered_json{{"every", summary->every},
                                            {"first_request", summary->first_request},
                                            {"requests", summary->requests},
                                            {"draws", summary->draws},
                                            {"hash", summary->hash}}
                         .dump()
                  << '\n';
    else
        std::cout << "right: requests " << summary->first_request + 1 << " to " << summary->requests << ", "
                  << summary->draws << " draws, one every " << summary->every << "; hash " << summary->hash
                  << '\n';
    return done;
}

int take_record(const fleet_options& from) {
    console terminal({});
    net::runtime threads(1);
    net::http_client client(threads.at(0));
    net::http_client_request request;
    request.target = "/v1/raffle/record";
    request.may_repeat = true;
    if (!from.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + from.token);
    const auto answer =
        wait_for(terminal, threads.at(0), client.ask_whole(from.dispatcher, request, answer_within));
    threads.stop();
    if (!answer) return failed; // Ctrl-C
    if (!*answer || (*answer)->status != 200) {
        std::cerr << "stadion: " << from.dispatcher << ": "
                  << (*answer ? (*answer)->body : answer->error().message) << '\n';
        return failed;
    }
    std::cout << (*answer)->body;
    return done;
}

} // namespace

void add_raffle(command program) {
    const auto raffle = program.subcommand("raffle", "the raffle's record: take it, check it");
    raffle.require_subcommand();

    const auto check = raffle.subcommand("verify", "recomputes hash and winners of an exported record");
    const auto file = std::make_shared<std::string>();
    const auto json = std::make_shared<bool>(false);
    check.option("FILE", *file, "what `stadion raffle export` wrote").required();
    check.flag("--json", *json, "the summary as JSON");
    check.runs([file, json] { return verify(*file, *json); });

    const auto take = raffle.subcommand(
        "export", "writes the record to stdout; --dispatcher may name any front-end as well");
    const auto from = std::make_shared<fleet_options>();
    add_fleet_options(take, *from);
    take.runs([from] { return take_record(*from); });
}

} // namespace stadion::tools
