// The commands of `stadion`, a file each. `add_…` describes the command's options to the command line, and
// what is to be run when it is the one chosen.
#pragma once

#include "tools/command/command_line.hpp"

namespace stadion::tools {

enum exit_status : int { done = 0, failed = 1, misused = 2 };

// Set in the environment of what a dispatcher starts: a server that cannot start says why on stdout too.
inline constexpr const char* last_words_wanted = "STADION_LAST_WORDS";

void add_up(command program);
void add_dispatcher(command program);
void add_frontend(command program);
void add_dbserver(command program);

// What talks to a fleet from outside.
void add_cat(command program);
void add_client(command program);
void add_replay(command program);
void add_load(command program);
void add_bench(command program);
void add_top(command program);
void add_check(command program);
void add_raffle(command program);

} // namespace stadion::tools
