// Golden scripts: a file whose lines are what happens to a machine, with what came of each indented below it.
// Change a line and run the test: it prints the script as it would be now.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace stadion::test {

// Performs one line and says what came of it.
using script_player = std::function<std::vector<std::string>(const std::string& line)>;

// The script with what comes of each line now; what stood there before is left out.
inline std::string played(const std::string& script, const script_player& perform) {
    std::string text;
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("    ")) continue;
        text += line + "\n";
        if (line.empty() || line.starts_with("#")) continue;
        for (const auto& came : perform(line)) text += "    " + came + "\n";
    }
    return text;
}

// Plays every script of a folder, each once with each of `pieces`: how many bytes arrive at a time.
inline void expect_scripts(const std::string& folder, const std::vector<std::size_t>& pieces,
                           const std::function<script_player(std::size_t piece)>& begin) {
    std::size_t scripts = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::stringstream script;
        script << std::ifstream(entry.path()).rdbuf();
        for (const auto piece : pieces) {
            const auto now = played(script.str(), begin(piece));
            EXPECT_EQ(now, script.str()) << entry.path().filename() << ", " << piece
                                         << " bytes at a time. If it is right, the script is now:\n"
                                         << now;
        }
        ++scripts;
    }
    EXPECT_NE(scripts, 0u) << folder;
}

} // namespace stadion::test
