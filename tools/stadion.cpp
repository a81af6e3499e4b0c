// main: reads the settings, runs the command that was chosen, and says in one sentence what went wrong.
#include "net/loop/child_process.hpp"
#include "net/os/log_sink.hpp"
#include "net/server/server.hpp"
#include "tools/command/commands.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace stadion;

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
    tools::command_line line("stadion", "Stadion, a live results service for sports events",
                             net::software_name());
    const auto program = line.root();
    std::string config;
    program.setting("--config", config, "a TOML file with settings; flags and the environment go before it");
    tools::add_up(program);
    tools::add_dispatcher(program);
    tools::add_frontend(program);
    tools::add_dbserver(program);
    tools::add_cat(program);
    tools::add_client(program);
    tools::add_replay(program);
    tools::add_load(program);
    tools::add_bench(program);
    tools::add_top(program);
    tools::add_check(program);
    tools::add_raffle(program);

    const auto has_command = line.parse({argv + 1, argv + argc});
    if (!has_command) return misuse(has_command.error().message);
    if (!*has_command) return tools::done; // the help or the version was asked for
    if (!config.empty())
        if (auto applied = line.apply_config(config); !applied) return misuse(applied.error().message);
    return line.run();
}

} // namespace

int main(int argc, char** argv) {
    stadion::net::open_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(argc, argv);
    } catch (const std::exception& failure) {
        return fail(failure.what());
    }
}
