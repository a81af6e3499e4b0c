// Checks whether a recorded history of concurrent calls on one table is linearizable.
#pragma once

#include <cstdint>
#include <vector>

namespace stadion::test {

struct table_call {
    enum class kind { read, add, add_if };
    kind what = kind::read;
    std::uint64_t begun = 0; // all times are different
    std::uint64_t ended = 0;
    std::uint32_t expected = 0; // add_if: the version it expected
    bool applied = false;       // add, add_if
    std::uint32_t version = 0; // read, and what applied: the version answered; a conflict: the version it met
    std::uint32_t gold = 0;
};

// Each applied add increments gold and version, from 0.
bool is_linearizable(std::vector<table_call> history);

} // namespace stadion::test
