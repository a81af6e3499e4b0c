// The command line: commands, what each can be told, and where a setting comes from: a flag, else the
// environment (STADION_PORT), else a line of --config FILE (TOML), else the default.
//
// CLI11 does the parsing. It compiles slowly, so command_line.cpp alone includes it and all other files see
// the classes below. CLI11 reads flags and the environment. The file is applied afterwards, to what is still
// unset, because CLI11's own configuration file would go before the environment. In the file a setting is
// named as its flag; a table named as a command holds what is for that command alone:
//
//     port = 7400
//     servers = 5
//     [frontend]
//     capacity = 500
//
// Threading: none; all of it belongs to the start of the program.
#pragma once

#include "wire/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace stadion::tools {

struct chosen_command;

// The variable that a setting goes to. It holds the default until then, and must live as long as the command
// line.
using setting_value =
    std::variant<std::reference_wrapper<std::string>, std::reference_wrapper<std::vector<std::string>>,
                 std::reference_wrapper<int>, std::reference_wrapper<unsigned>,
                 std::reference_wrapper<std::uint16_t>, std::reference_wrapper<std::size_t>,
                 std::reference_wrapper<double>>;

// One option of a command. A handle: copies mean the same option.
class command_option {
public:
    command_option show_default() const;
    command_option required() const;
    command_option excludes(command_option other) const;

    // What is accepted; both bounds of a range are. The help names the type of the bounds.
    command_option range(int low, int high) const;
    command_option range(unsigned low, unsigned high) const;
    command_option range(double low, double high) const;
    command_option positive() const;
    command_option not_negative() const;
    command_option one_of(const std::vector<std::string>& values) const;

    // Lists: values with commas between them.
    command_option with_commas() const;
    // Lists: one argument after the flag, so that the next one may be positional.
    command_option one_argument() const;

private:
    friend class command;
    explicit command_option(CLI::Option& option) : option_(&option) {}

    CLI::Option* option_;
};

// A command, or the program itself. A handle: copies mean the same command.
class command {
public:
    command subcommand(const std::string& name, const std::string& description) const;
    void require_subcommand() const;
    void footer(const std::string& text) const;

    // An option that the environment may set too: STADION_ and its first long name. The help shows its
    // default. `names` are written "--servers,--n_servers".
    command_option setting(const std::string& names, setting_value value,
                           const std::string& description) const;
    // An option that the environment does not set. A name without dashes is a positional argument.
    command_option option(const std::string& names, setting_value value,
                          const std::string& description) const;
    void flag(const std::string& names, bool& value, const std::string& description) const;
    // A setting that is on or off: `--raffle off`, `--raffle=false`, `--raffle`.
    void on_off(const std::string& names, bool& value, const std::string& description) const;

    // What to run when this command is chosen. `missing` names a required argument that was not given, or
    // returns an empty text.
    void runs(std::function<int()> task, std::function<std::string()> missing = {}) const;

    // What was set, by flag, environment or file, as arguments for another process: "--servers=5". Options
    // whose first long name is in `except` are left out.
    std::vector<std::string> arguments(const std::vector<std::string>& except) const;

private:
    friend class command_line;
    command(CLI::App& app, chosen_command& chosen) : app_(&app), chosen_(&chosen) {}

    CLI::App* app_;
    chosen_command* chosen_;
};

class command_line {
public:
    command_line(const std::string& name, const std::string& description, const std::string& version);
    ~command_line();
    command_line(const command_line&) = delete;
    command_line& operator=(const command_line&) = delete;

    command root() const;

    // `arguments` without the program's name. False when help or the version was asked for; then it has been
    // printed. INVALID_ARGUMENT, in a sentence for a person, for arguments that cannot be used.
    wire::result<bool> parse(std::vector<std::string> arguments);

    // Sets what neither a flag nor the environment has set, after `parse` returned true. INVALID_ARGUMENT,
    // naming file and setting, for a file that cannot be read, a setting that no command has, or a value that
    // does not fit.
    wire::result<void> apply_config(const std::filesystem::path& file);

    // Runs the chosen command, after `parse` returned true. Returns what it returns; it may throw.
    int run() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace stadion::tools
