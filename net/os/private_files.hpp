// File permissions: what this program creates, and what older versions left behind, is for its user only.
//
// Blocking calls, for the start. Threading: any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace stadion::net {

// Sets the umask, so that new files are 0600, folders and sockets 0700. Called once, before threads start.
void make_files_private() noexcept;

// Removes all permissions of group and others from our files in a data folder; older versions let them read.
// Files with other names stay as they are. Returns a message when something could not be changed.
std::optional<std::string> make_private(const std::filesystem::path& data_folder);

// Whether group or others have any permission on the file.
bool is_open_to_others(const std::filesystem::path& file) noexcept;

} // namespace stadion::net
