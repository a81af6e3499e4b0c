// Settings of commands: flag, else environment (STADION_PORT), else a line of --config FILE (TOML), else
// default.
//
// CLI11 reads flags and the environment. The file is applied after it, to what is still unset: CLI11's own
// configuration file would beat the environment. In the file a setting is named as its flag; a table named as
// a command holds what is for that command alone:
//
//     port = 7400
//     servers = 5
//     [frontend]
//     capacity = 500
#pragma once

#include "wire/result.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace stadion::tools {

// Gives the option the name it has in the environment: STADION_ and its first long name.
CLI::Option& name_in_environment(CLI::Option& option);

// `names` as CLI11 has them, "--servers,--n_servers"; the value is the default until something is said.
template <typename T>
CLI::Option& add_setting(CLI::App& command, const std::string& names, T& value,
                         const std::string& description) {
    return name_in_environment(*command.add_option(names, value, description)->capture_default_str());
}

// On or off: `--raffle off`, `--raffle=false`, `--raffle`.
CLI::Option& add_switch(CLI::App& command, const std::string& names, bool& value,
                        const std::string& description);

// Sets what neither a flag nor the environment has set. INVALID_ARGUMENT, naming file and setting, for a file
// that cannot be read, a setting that no command of `program` has, or a value that does not fit.
wire::result<void> apply_config(const CLI::App& program, CLI::App& command,
                                const std::filesystem::path& file);

// What was set, wherever it was, as arguments for another process: "--servers=5". Without those named.
std::vector<std::string> arguments_of(const CLI::App& command, const std::vector<std::string>& except);

} // namespace stadion::tools
