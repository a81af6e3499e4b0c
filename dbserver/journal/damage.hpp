// What recovery refuses to pass over, so that a person can act: which file, where, what it affects, what to
// run.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace stadion::dbserver {

struct damage {
    std::string file;
    std::uint64_t offset = 0;
    std::vector<std::string> tables; // those known to be affected
    std::string what;
};

// "…/journal/00000003.log, byte 4096: a record does not match its checksum … affects games/hockey; run …"
std::string describe(const damage& found, const std::string& data_directory);

// Thrown at start-up only.
class store_damaged : public std::runtime_error {
public:
    store_damaged(std::vector<damage> found, const std::string& data_directory);
    const std::vector<damage>& found() const noexcept { return found_; }

private:
    std::vector<damage> found_;
};

// Another process has the directory, its format is too new, or the system will not let us.
class store_unavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace stadion::dbserver
