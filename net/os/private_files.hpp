// Files that are nobody else's: what this program makes, and what is there already.
//
// Blocking calls, for the start. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace stadion::net {

// From here on what the process makes is 0600, folders and sockets 0700. Once, before threads are started.
void make_files_private() noexcept;

// Takes from group and others what they may do with our files in a data folder, which older versions let them
// read; files of other names stay as they are. Says what could not be changed.
std::optional<std::string> make_private(const std::filesystem::path& data_folder);

// Whether group or others may do anything with the file.
bool is_open_to_others(const std::filesystem::path& file) noexcept;

} // namespace stadion::net
