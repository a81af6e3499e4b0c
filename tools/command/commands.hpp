// The commands of `stadion`, a file each. `add_…` describes the command's options to the parser; when the
// command is the one chosen, it leaves in the context what is to be run once all settings are known.
#pragma once

#include <filesystem>
#include <functional>

namespace CLI {
class App;
}

namespace stadion::tools {

enum exit_status : int { done = 0, failed = 1, misused = 2 };

// Set in the environment of what a dispatcher starts: whoever cannot serve says why on stdout too.
inline constexpr const char* last_words_wanted = "STADION_LAST_WORDS";

struct command_context {
    CLI::App* chosen = nullptr;
    std::function<int()> run; // returns the exit status; may throw what a person should read
};

void add_up(CLI::App& program, command_context& context);
void add_dispatcher(CLI::App& program, command_context& context);
void add_frontend(CLI::App& program, command_context& context);
void add_dbserver(CLI::App& program, command_context& context);

// What talks to a fleet from outside.
void add_cat(CLI::App& program, command_context& context);
void add_client(CLI::App& program, command_context& context);
void add_replay(CLI::App& program, command_context& context);
void add_load(CLI::App& program, command_context& context);
void add_bench(CLI::App& program, command_context& context);
void add_top(CLI::App& program, command_context& context);
void add_check(CLI::App& program, command_context& context);
void add_raffle(CLI::App& program, command_context& context);

} // namespace stadion::tools
