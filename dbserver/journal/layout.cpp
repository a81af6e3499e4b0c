#include "dbserver/journal/layout.hpp"

#include "dbserver/journal/crc32c.hpp"
#include "dbserver/journal/sha256.hpp"
#include "dbserver/table/json_text.hpp"
#include "wire/number.hpp"

namespace stadion::dbserver {
namespace {

constexpr std::size_t file_name_bytes_max = 200; // leaves room for extensions within the usual 255

bool is_plain(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string numbered(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

std::string encoded_name(std::string_view name) {
    std::string encoded;
    for (const char c : name) {
        if (is_plain(c))
            encoded += c;
        else {
            std::string hex = hexadecimal(static_cast<unsigned char>(c), 2);
            for (char& digit : hex)
                if (digit >= 'a') digit = static_cast<char>(digit - 32);
            encoded += '%' + hex;
        }
    }
    return encoded;
}

// The first bytes of an encoded name, ~, and a digest of the whole name.
std::string cut_name(const std::string& encoded, const std::string& mark) {
    std::size_t cut = file_name_bytes_max - 1 - mark.size();
    while (encoded[cut - 1] == '%' || encoded[cut - 2] == '%') --cut;
    return encoded.substr(0, cut) + '~' + mark;
}

// DIRECTORY/games/FILE_NAME for "games/hockey".
std::string below(const std::string& directory, std::string_view table, std::string_view extension,
                  std::string (*named)(std::string_view)) {
    const std::size_t slash = table.find('/');
    std::string path = directory + "/";
    path += table.substr(0, slash + 1);
    path += named(table.substr(slash + 1));
    path += extension;
    return path;
}

} // namespace

std::string file_name_of(std::string_view name) {
    std::string encoded = encoded_name(name);
    return encoded.size() <= file_name_bytes_max ? encoded : cut_name(encoded, sha256_text(name));
}

std::string former_file_name_of(std::string_view name) {
    std::string encoded = encoded_name(name);
    if (encoded.size() <= file_name_bytes_max) return encoded;
    const std::uint32_t one = crc32c(name);
    const std::uint32_t other = crc32c_extend(one, encoded);
    return cut_name(encoded, hexadecimal(std::uint64_t{one} << 32 | other));
}

bool is_former_file_name(std::string_view file_name) {
    const std::size_t mark = file_name.find('~');
    if (mark == std::string_view::npos) return false;
    const auto digits = file_name.substr(mark + 1, file_name.find('.', mark) - mark - 1);
    return digits.size() == 16;
}

std::string layout::table(std::string_view name) const {
    return below(tables(), name, ".json", file_name_of);
}
std::string layout::history(std::string_view name) const {
    return below(histories(), name, ".jsonl", file_name_of);
}
std::string layout::former_table(std::string_view name) const {
    return below(tables(), name, ".json", former_file_name_of);
}
std::string layout::former_history(std::string_view name) const {
    return below(histories(), name, ".jsonl", former_file_name_of);
}
std::string layout::index_file(std::uint64_t number) const {
    return index() + "/" + numbered(number) + ".commits";
}
std::string layout::segment(std::uint64_t number) const {
    return journal() + "/" + numbered(number) + ".log";
}
std::string layout::key_file(std::uint64_t number) const { return keys() + "/" + numbered(number) + ".keys"; }
std::string layout::sessions_file(std::uint64_t checkpoint) const {
    return keys() + "/" + numbered(checkpoint) + ".sessions";
}
std::string layout::former_key_file(std::uint64_t number) const {
    return keys() + "/" + numbered(number) + ".jsonl";
}

std::optional<std::uint64_t> file_number(std::string_view file_name, std::string_view extension) {
    if (!file_name.ends_with(extension)) return std::nullopt;
    file_name.remove_suffix(extension.size());
    if (file_name.size() < 8) return std::nullopt;
    return wire::parse_number<std::uint64_t>(file_name);
}

std::string temporary_path(const std::string& path) { return path + ".new"; }

std::string temporary_table_path(const std::string& path, std::uint64_t checkpoint) {
    return temporary_path(path + "." + std::to_string(checkpoint));
}

bool is_temporary_table(std::string_view file_name) {
    constexpr std::string_view fresh = ".new", table = ".json.";
    if (!file_name.ends_with(fresh)) return false;
    file_name.remove_suffix(fresh.size());
    const std::size_t digits = file_name.find_last_not_of("0123456789") + 1;
    return digits < file_name.size() && file_name.substr(0, digits).ends_with(table);
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

} // namespace stadion::dbserver
