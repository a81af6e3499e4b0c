#include "dbserver/journal/damage.hpp"

namespace stadion::dbserver {
namespace {

std::string describe_all(const std::vector<damage>& found, const std::string& data_directory) {
    std::string text = "the data in " + data_directory + " is damaged, and nothing has been changed:\n";
    for (const damage& one : found) text += "  " + describe(one) + "\n";
    text += "Restore the files from a copy, or keep what can be read and set the rest aside as .broken with\n"
            "  stadion dbserver --data " +
            data_directory + " --salvage";
    return text;
}

} // namespace

std::string describe(const damage& found) {
    constexpr std::size_t shown_max = 20;
    std::string text = found.file + ", byte " + std::to_string(found.offset) + ": " + found.what;
    if (found.tables.empty()) return text;
    text += "; affects";
    for (std::size_t i = 0; i < found.tables.size() && i < shown_max; ++i)
        text += (i == 0 ? " " : ", ") + found.tables[i];
    if (found.tables.size() > shown_max)
        text += " and " + std::to_string(found.tables.size() - shown_max) + " more";
    return text;
}

store_damaged::store_damaged(std::vector<damage> found, const std::string& data_directory)
    : std::runtime_error(describe_all(found, data_directory)), found_(std::move(found)) {}

} // namespace stadion::dbserver
