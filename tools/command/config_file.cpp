#include "tools/command/config_file.hpp"

#include <toml++/toml.h>

#include <fstream>
#include <sstream>

namespace stadion::tools {
namespace {

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

config_file::settings settings_of(const toml::table& table) {
    config_file::settings settings;
    for (const auto& [key, value] : table)
        if (!value.is_table()) settings.emplace_back(std::string(key.str()), text_of(value));
    return settings;
}

} // namespace

wire::error config_error(const std::filesystem::path& file, const std::string& what) {
    return wire::make_error(wire::status::invalid_argument, file.string() + ": " + what);
}

wire::result<config_file> read_config_file(const std::filesystem::path& file) {
    std::ifstream stream(file);
    if (!stream) return config_error(file, "this file cannot be read");
    toml::table root;
    try {
        root = toml::parse(stream);
    } catch (const toml::parse_error& failure) {
        return config_error(file, "line " + std::to_string(failure.source().begin.line) + ": " +
                                      std::string(failure.description()));
    }
    config_file read{settings_of(root), {}};
    for (const auto& [key, value] : root)
        if (const auto* table = value.as_table())
            read.for_command.emplace(std::string(key.str()), settings_of(*table));
    return read;
}

} // namespace stadion::tools
