// A TOML file of settings as plain text values, ready to be read like the value of a flag. config_file.cpp
// alone includes toml++, which compiles slowly.
#pragma once

#include "wire/result.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace stadion::tools {

struct config_file {
    using settings = std::vector<std::pair<std::string, std::string>>; // name and value, ordered by name

    settings for_all;
    std::map<std::string, settings> for_command; // tables, by the command they are named as
};

// INVALID_ARGUMENT when the file cannot be read or is not TOML. Tables within tables are ignored.
wire::result<config_file> read_config_file(const std::filesystem::path& file);

// INVALID_ARGUMENT that names the file.
wire::error config_error(const std::filesystem::path& file, const std::string& what);

} // namespace stadion::tools
