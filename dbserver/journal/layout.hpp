// The paths below the data directory. Pure functions of names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stadion::dbserver {

inline constexpr unsigned format_number = 3;

struct layout {
    std::string root;

    std::string format() const { return root + "/FORMAT"; }
    std::string lock() const { return root + "/LOCK"; }
    std::string checkpoint() const { return root + "/checkpoint.jsonl"; }
    std::string tables() const { return root + "/tables"; }
    std::string histories() const { return root + "/history"; }
    std::string journal() const { return root + "/journal"; }
    std::string keys() const { return root + "/keys"; }
    std::string index() const { return root + "/index"; }

    std::string table(std::string_view name) const;   // of "games/hockey": …/tables/games/hockey.json
    std::string history(std::string_view name) const; // …/history/games/hockey.jsonl
    std::string segment(std::uint64_t number) const;  // …/journal/00000001.log
    std::string key_file(std::uint64_t number) const; // …/keys/00000001.keys
    std::string sessions_file(std::uint64_t checkpoint) const; // …/keys/00000001.sessions
    std::string index_file(std::uint64_t number) const;        // …/index/00000001.commits

    // The paths in format 2.
    std::string former_table(std::string_view name) const;
    std::string former_history(std::string_view name) const;
    std::string former_key_file(std::uint64_t number) const; // …/keys/00000001.jsonl
};

// A name as a file name: bytes outside A-Z a-z 0-9 - _ are percent-encoded. A name that would be too long is
// cut and ends in ~ and its SHA-256. No encoded name contains a ~.
std::string file_name_of(std::string_view name);

// The same in format 2, which used two CRCs in place of the SHA-256: names can be constructed that collide.
std::string former_file_name_of(std::string_view name);
// Whether it is the cut file name of a long name in format 2. The extension is ignored.
bool is_former_file_name(std::string_view file_name);

// The number in "00000001.log"; nothing for any other name.
std::optional<std::uint64_t> file_number(std::string_view file_name, std::string_view extension);

// A file that is replaced is first written under a temporary name: FORMAT.new, hockey.json.17.new. A crash
// may leave it behind. The data directory is shared with the dispatcher, so only names of ours may be
// removed.
std::string temporary_path(const std::string& path);
std::string temporary_table_path(const std::string& path, std::uint64_t checkpoint);
bool is_temporary_table(std::string_view file_name);

std::string directory_of(const std::string& path);

} // namespace stadion::dbserver
