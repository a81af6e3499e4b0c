// Damage that makes opening fail, described for a person: which file, where, which tables, what to run.
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

// "…/journal/00000003.log, byte 4096: a record does not …; affects games/hockey"
std::string describe(const damage& found);

// Thrown at start-up only.
class store_damaged : public std::runtime_error {
public:
    store_damaged(std::vector<damage> found, const std::string& data_directory);
    const std::vector<damage>& found() const noexcept { return found_; }

private:
    std::vector<damage> found_;
};

// Another process has the directory open, its format is too new, or a system call failed. Thrown at start-up
// only.
class store_unavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace stadion::dbserver
