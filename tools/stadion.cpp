// main: reads the settings, runs the command that was chosen, and says in one sentence what went wrong.
#include "net/child_process.hpp"
#include "net/log_sink.hpp"
#include "net/server.hpp"
#include "tools/commands.hpp"
#include "tools/settings.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

using namespace stadion;
using tools::command_context;

int misuse(const std::string& what) {
    std::cerr << "stadion: " << what << "; see `stadion --help`\n";
    return tools::misused;
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
        std::cerr << "stadion: " << failure.what() << '\n';
        if (std::getenv(tools::last_words_wanted) != nullptr)
            std::cout << "failed " << net::as_one_line(failure.what(), 1000) << std::endl;
        return tools::failed;
    }
}
