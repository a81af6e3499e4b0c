// `stadion load FILE`: a medal table or a game list becomes the state of the board.
#include "tools/command/commands.hpp"
#include "tools/command/fleet_options.hpp"
#include "tools/command/text_file.hpp"
#include "tools/command/wait_for.hpp"
#include "tools/replay/load_plan.hpp"
#include "tools/replay/loader.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace stadion::tools {
namespace {

struct load_options {
    fleet_options fleet;
    std::string file;
};

int run_load(const load_options& wanted) {
    console terminal({});
    const auto text = read_text_file(wanted.file);
    if (!text) return terminal.complain(text.error().message), failed;
    const auto plan = plan_load(*text);
    for (const auto& problem : plan.problems) terminal.complain(wanted.file + ": " + problem);
    if (!plan.problems.empty()) return terminal.complain("nothing was loaded"), failed;

    net::runtime threads(1);
    const auto sequence =
        wait_for(terminal, threads.at(0),
                 commit_all(threads.at(0), {wanted.fleet.dispatcher, wanted.fleet.token}, plan.mutations));
    threads.stop();
    if (!sequence) return failed; // Ctrl-C
    if (!*sequence)
        return terminal.complain("the " + plan.what + " was not loaded: " + sequence->error().message),
               failed;
    if (wanted.fleet.json)
        terminal.print(nlohmann::ordered_json{
            {"what", plan.what}, {"loaded", plan.mutations.size()}, {"sequence", **sequence}}
                           .dump());
    else
        terminal.print("a " + plan.what + " of " + std::to_string(plan.mutations.size()) +
                       " is loaded, up to sequence " + std::to_string(**sequence));
    return done;
}

} // namespace

void add_load(command program) {
    const auto load = program.subcommand("load", "loads a medal table or a game list");
    load.footer(
        "A medal table is CSV with the columns rank,code,team,gold,silver,bronze,total; a game list is a "
        "JSON array\n"
        "of {\"game\",\"title\",\"points\":{team:n},\"status\"}, or openfootball's matches as they ended. "
        "What is loaded\n"
        "replaces what was there, so loading twice does nothing more; a file with a bad line loads nothing.");
    const auto wanted = std::make_shared<load_options>();
    load.option("file", wanted->file, "the file; - reads standard input").required();
    add_fleet_options(load, wanted->fleet);
    load.runs([wanted] { return run_load(*wanted); });
}

} // namespace stadion::tools
