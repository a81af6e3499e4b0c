#include "tools/command/settings.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

namespace stadion::tools {
namespace {

wire::error misuse(const std::filesystem::path& file, const std::string& what) {
    return wire::make_error(wire::status::invalid_argument, file.string() + ": " + what);
}

CLI::Option* find_option(const CLI::App& command, const std::string& name) {
    for (auto* option : const_cast<CLI::App&>(command).get_options())
        if (option->check_lname(name)) return option;
    return nullptr;
}

bool is_known(const CLI::App& program, const std::string& name) {
    if (find_option(program, name) != nullptr) return true;
    for (const auto* command : program.get_subcommands({}))
        if (find_option(*command, name) != nullptr) return true;
    return false;
}

std::string text_of(const toml::node& value) {
    if (const auto* text = value.as_string()) return text->get();
    if (const auto* list = value.as_array()) { // as it would be written after the flag
        std::string all;
        for (const auto& one : *list) all += (all.empty() ? "" : ",") + text_of(one);
        return all;
    }
    std::ostringstream out;
    out << toml::node_view(value);
    return out.str();
}

wire::result<void> apply_table(const CLI::App& program, CLI::App& command, const toml::table& table,
                               const std::filesystem::path& file) {
    for (const auto& [key, value] : table) {
        if (value.is_table()) continue;
        const std::string name(key.str());
        if (!is_known(program, name)) return misuse(file, "there is no setting '" + name + "'");
        auto* option = find_option(command, name);
        if (option == nullptr || option->count() != 0) continue;
        try {
            option->add_result(text_of(value));
            option->run_callback();
        } catch (const CLI::ParseError& failure) {
            return misuse(file, failure.what());
        }
    }
    return {};
}

bool has_command(const CLI::App& program, const std::string& name) {
    return !program.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; }).empty();
}

} // namespace

CLI::Option& name_in_environment(CLI::Option& option) {
    std::string name = "STADION_";
    for (const char c : option.get_lnames().front())
        name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return *option.envname(name);
}

CLI::Option& add_switch(CLI::App& command, const std::string& names, bool& value,
                        const std::string& description) {
    auto* option = command.add_option(
        names,
        [&value](const CLI::results_t& given) {
            return CLI::detail::lexical_cast(given.back().empty() ? "true" : given.back(), value);
        },
        description + (value ? " [on]" : " [off]"));
    return name_in_environment(*option->expected(0, 1)->type_name("on|off"));
}

std::vector<std::string> arguments_of(const CLI::App& command, const std::vector<std::string>& except) {
    std::vector<std::string> arguments;
    for (const auto* option : command.get_options()) {
        if (option->count() == 0 || option->get_lnames().empty()) continue;
        const auto& name = option->get_lnames().front();
        if (std::find(except.begin(), except.end(), name) != except.end()) continue;
        for (const auto& value : option->results())
            arguments.push_back("--" + name + "=" + (value.empty() ? "true" : value));
    }
    return arguments;
}

wire::result<void> apply_config(const CLI::App& program, CLI::App& command,
                                const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) return misuse(file, "this file cannot be read");
    toml::table settings;
    try {
        settings = toml::parse(stream);
    } catch (const toml::parse_error& failure) {
        return misuse(file, "line " + std::to_string(failure.source().begin.line) + ": " +
                                std::string(failure.description()));
    }
    for (const auto& [key, value] : settings)
        if (value.is_table() && !has_command(program, std::string(key.str())))
            return misuse(file, "there is no command '" + std::string(key.str()) + "'");
    // What is for the command alone comes first; what is set is not set again.
    if (const auto* own = settings[command.get_name()].as_table())
        if (auto applied = apply_table(program, command, *own, file); !applied) return applied;
    return apply_table(program, command, settings, file);
}

} // namespace stadion::tools
