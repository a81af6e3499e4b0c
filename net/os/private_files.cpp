#include "net/os/private_files.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <sys/stat.h>

namespace stadion::net {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 7> folders{"tables", "history", "journal",   "keys",
                                                  "logs",   "broken",  "dispatcher"};
constexpr std::array<std::string_view, 4> files{"FORMAT", "LOCK", "checkpoint.jsonl", "dispatcher."};
constexpr fs::perms others_all = fs::perms::group_all | fs::perms::others_all;

bool begins_with_one_of(std::string_view name, const auto& known) {
    return std::any_of(known.begin(), known.end(), [&](auto one) { return name.starts_with(one); });
}

// Changes a file or folder, never the target of a symbolic link.
void take_from_others(const fs::directory_entry& one, std::error_code& failure) {
    std::error_code here;
    const auto now = one.symlink_status(here);
    if (here || fs::is_symlink(now) || (now.permissions() & others_all) == fs::perms::none) return;
    fs::permissions(one.path(), others_all, fs::perm_options::remove, here);
    if (here) failure = here;
}

} // namespace

void make_files_private() noexcept { ::umask(0077); }

std::optional<std::string> make_private(const fs::path& data_folder) {
    std::error_code failure, ignored;
    const fs::directory_entry root(data_folder, ignored);
    // The root is changed last, so that a private root means that everything below it was changed.
    if (!root.is_directory(ignored) || (root.status(ignored).permissions() & others_all) == fs::perms::none)
        return std::nullopt;
    for (const auto& one : fs::directory_iterator(data_folder, ignored)) {
        const auto name = one.path().filename().string();
        const bool is_folder = one.is_directory(ignored) && !one.is_symlink(ignored);
        if (!begins_with_one_of(name, folders) && !begins_with_one_of(name, files)) continue;
        if (is_folder)
            for (const auto& below : fs::recursive_directory_iterator(one.path(), ignored))
                take_from_others(below, failure);
        take_from_others(one, failure);
    }
    if (!failure) take_from_others(root, failure);
    if (!failure) return std::nullopt;
    return "others may read what is in " + data_folder.string() + ": " + failure.message();
}

bool is_open_to_others(const fs::path& file) noexcept {
    std::error_code failure;
    const auto now = fs::status(file, failure);
    return !failure && (now.permissions() & others_all) != fs::perms::none;
}

} // namespace stadion::net
