// main: reads the settings, runs the command that was chosen, and says in one sentence what went wrong.
#include "net/loop/child_process.hpp"
#include "net/os/log_sink.hpp"
#include "net/server/server.hpp"
#include "tools/command/commands.hpp"
#include "tools/command/settings.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace stadion;
using tools::command_context;

int misuse(const std::string& what) {
    std::fputs(("stadion: " + what + "; see `stadion --help`\n").c_str(), stderr);
    return tools::misused;
}

// In one write each: other processes share what they go to.
int fail(std::string what) {
    std::fputs(("stadion: " + what + "\n").c_str(), stderr);
    if (std::getenv(tools::last_words_wanted) == nullptr) return tools::failed;
    std::replace(what.begin(), what.end(), '\n', ' ');
    std::puts(("failed " + net::as_one_line(what, 1000)).c_str());
    std::fflush(stdout);
    return tools::failed;
}

int run(int argc, char** argv) {
    CLI::App program{"Stadion, a live results service for sports events"};
    program.name("stadion");
    program.set_version_flag("--version", net::software_name());
    program.require_subcommand(1);
    program.fallthrough();
    std::string config;
    program
        .add_option("--config", config, "a TOML file with settings; flags and the environment go before it")
        ->envname("STADION_CONFIG");

    command_context context;
    tools::add_up(program, context);
    tools::add_dispatcher(program, context);
    tools::add_frontend(program, context);
    tools::add_dbserver(program, context);
    tools::add_cat(program, context);
    tools::add_client(program, context);
    tools::add_replay(program, context);
    tools::add_load(program, context);
    tools::add_bench(program, context);
    tools::add_top(program, context);
    tools::add_check(program, context);
    tools::add_raffle(program, context);

    try {
        program.parse(argc, argv);
    } catch (const CLI::Success& answer) {
        return program.exit(answer);
    } catch (const CLI::ParseError& failure) {
        return misuse(failure.what());
    }
    if (!config.empty())
        if (auto applied = tools::apply_config(program, *context.chosen, config); !applied)
            return misuse(applied.error().message);
    return context.run();
}

} // namespace

int main(int argc, char** argv) {
    stadion::net::hold_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(argc, argv);
    } catch (const std::exception& failure) {
        return fail(failure.what());
    }
}
