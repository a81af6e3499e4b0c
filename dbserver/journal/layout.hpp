// Where everything lies below the data directory. Pure functions of names.
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

    // Where format 2 had them.
    std::string former_table(std::string_view name) const;
    std::string former_history(std::string_view name) const;
    std::string former_key_file(std::uint64_t number) const; // …/keys/00000001.jsonl
};

// A name as a file name: bytes outside A-Z a-z 0-9 - _ percent-encoded. One that would be too long for a file
// system is cut and told apart by its SHA-256, after a ~ that no encoded name has.
std::string file_name_of(std::string_view name);

// The same in format 2, which told them apart by two checksums: two names can be made to have one file.
std::string former_file_name_of(std::string_view name);
// Whether it is such a file, of a name that was too long; without what the extension says.
bool is_former_file_name(std::string_view file_name);

// 1 of "00000001.log"; nothing of anything else.
std::optional<std::uint64_t> file_number(std::string_view file_name, std::string_view extension);

// What is written anew stands beside its file until it is whole: FORMAT.new, hockey.json.17.new. Such a
// file that is left over may be removed by whoever made it; in a folder that is shared, nobody else's may.
std::string beside(const std::string& path);
std::string table_beside(const std::string& path, std::uint64_t checkpoint);
bool is_table_beside(std::string_view file_name);

std::string directory_of(const std::string& path);

} // namespace stadion::dbserver
