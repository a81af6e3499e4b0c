#include "tools/command/command_line.hpp"

#include "tools/command/config_file.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <utility>

namespace stadion::tools {

struct chosen_command {
    CLI::App* app = nullptr;
    std::function<int()> run;
};

namespace {

CLI::Option* find_option(CLI::App& of, const std::string& name) {
    for (auto* option : of.get_options())
        if (option->check_lname(name)) return option;
    return nullptr;
}

bool is_known(CLI::App& program, const std::string& name) {
    if (find_option(program, name) != nullptr) return true;
    for (auto* one : program.get_subcommands({}))
        if (find_option(*one, name) != nullptr) return true;
    return false;
}

bool has_command(CLI::App& program, const std::string& name) {
    return !program.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; }).empty();
}

wire::result<void> apply(const config_file::settings& settings, CLI::App& program, CLI::App& chosen,
                         const std::filesystem::path& file) {
    for (const auto& [name, value] : settings) {
        if (!is_known(program, name)) return config_error(file, "there is no setting '" + name + "'");
        auto* option = find_option(chosen, name);
        if (option == nullptr || option->count() != 0) continue;
        try {
            option->add_result(value);
            option->run_callback();
        } catch (const CLI::ParseError& failure) {
            return config_error(file, failure.what());
        }
    }
    return {};
}

// Gives the option the name it has in the environment: STADION_ and its first long name.
CLI::Option& name_in_environment(CLI::Option& option) {
    std::string name = "STADION_";
    for (const char c : option.get_lnames().front())
        name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return *option.envname(name);
}

CLI::Option& add_option(CLI::App& to, const std::string& names, setting_value value,
                        const std::string& description) {
    return *std::visit([&](auto variable) { return to.add_option(names, variable.get(), description); },
                       value);
}

} // namespace

command_option command_option::show_default() const { return option_->capture_default_str(), *this; }
command_option command_option::required() const { return option_->required(), *this; }

command_option command_option::excludes(command_option other) const {
    return option_->excludes(other.option_), *this;
}

command_option command_option::range(int low, int high) const {
    return option_->check(CLI::Range(low, high)), *this;
}

command_option command_option::range(unsigned low, unsigned high) const {
    return option_->check(CLI::Range(low, high)), *this;
}

command_option command_option::range(double low, double high) const {
    return option_->check(CLI::Range(low, high)), *this;
}

command_option command_option::positive() const { return option_->check(CLI::PositiveNumber), *this; }
command_option command_option::not_negative() const { return option_->check(CLI::NonNegativeNumber), *this; }

command_option command_option::one_of(const std::vector<std::string>& values) const {
    return option_->check(CLI::IsMember(values)), *this;
}

command_option command_option::with_commas() const { return option_->delimiter(','), *this; }
command_option command_option::one_argument() const { return option_->allow_extra_args(false), *this; }

command command::subcommand(const std::string& name, const std::string& description) const {
    return command(*app_->add_subcommand(name, description), *chosen_);
}

void command::require_subcommand() const { app_->require_subcommand(1); }
void command::footer(const std::string& text) const { app_->footer(text); }

command_option command::setting(const std::string& names, setting_value value,
                                const std::string& description) const {
    auto& added = add_option(*app_, names, value, description);
    added.capture_default_str();
    return command_option(name_in_environment(added));
}

command_option command::option(const std::string& names, setting_value value,
                               const std::string& description) const {
    return command_option(add_option(*app_, names, value, description));
}

void command::flag(const std::string& names, bool& value, const std::string& description) const {
    app_->add_flag(names, value, description);
}

void command::on_off(const std::string& names, bool& value, const std::string& description) const {
    auto* added = app_->add_option(
        names,
        [&value](const CLI::results_t& given) {
            return CLI::detail::lexical_cast(given.back().empty() ? "true" : given.back(), value);
        },
        description + (value ? " [on]" : " [off]"));
    name_in_environment(*added->expected(0, 1)->type_name("on|off"));
}

void command::runs(std::function<int()> task, std::function<std::string()> missing) const {
    app_->callback([app = app_, chosen = chosen_, task = std::move(task), missing = std::move(missing)] {
        if (missing)
            if (const auto what = missing(); !what.empty()) throw CLI::RequiredError(what);
        *chosen = {app, task};
    });
}

std::vector<std::string> command::arguments(const std::vector<std::string>& except) const {
    std::vector<std::string> arguments;
    for (const auto* option : std::as_const(*app_).get_options()) {
        if (option->count() == 0 || option->get_lnames().empty()) continue;
        const auto& name = option->get_lnames().front();
        if (std::find(except.begin(), except.end(), name) != except.end()) continue;
        for (const auto& value : option->results())
            arguments.push_back("--" + name + "=" + (value.empty() ? "true" : value));
    }
    return arguments;
}

struct command_line::state {
    explicit state(const std::string& description) : app(description) {}

    CLI::App app;
    chosen_command chosen;
};

command_line::command_line(const std::string& name, const std::string& description,
                           const std::string& version)
    : state_(std::make_unique<state>(description)) {
    auto& app = state_->app;
    app.name(name);
    app.set_version_flag("--version", version);
    app.require_subcommand(1);
    app.fallthrough();
}

command_line::~command_line() = default;

command command_line::root() const { return command(state_->app, state_->chosen); }

wire::result<bool> command_line::parse(std::vector<std::string> arguments) {
    state_->chosen = {};
    std::reverse(arguments.begin(), arguments.end()); // the order in which CLI11 takes them
    try {
        state_->app.parse(std::move(arguments));
    } catch (const CLI::Success& answer) {
        state_->app.exit(answer);
        return false;
    } catch (const CLI::ParseError& failure) {
        return wire::make_error(wire::status::invalid_argument, failure.what());
    }
    return true;
}

wire::result<void> command_line::apply_config(const std::filesystem::path& file) {
    assert(state_->chosen.app != nullptr);
    auto& program = state_->app;
    auto& chosen = *state_->chosen.app;
    const auto config = read_config_file(file);
    if (!config) return config.error();
    for (const auto& [name, settings] : config->for_command)
        if (!has_command(program, name)) return config_error(file, "there is no command '" + name + "'");
    // What is for the command alone comes first; what is set is not set again.
    if (const auto own = config->for_command.find(chosen.get_name()); own != config->for_command.end())
        if (auto applied = apply(own->second, program, chosen, file); !applied) return applied;
    return apply(config->for_all, program, chosen, file);
}

int command_line::run() const { return state_->chosen.run(); }

} // namespace stadion::tools
