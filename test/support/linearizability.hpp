// Whether a recorded history of calls on one table could have happened one after the other.
#pragma once

#include <cstdint>
#include <vector>

namespace stadion::test {

struct table_call {
    enum class kind { read, add, add_if };
    kind what = kind::read;
    std::uint64_t begun = 0; // all instants are different
    std::uint64_t ended = 0;
    std::uint32_t expected = 0; // add_if: the version it asked for
    bool applied = false;       // add, add_if
    std::uint32_t version = 0; // read, and what applied: the version answered; a conflict: the version it met
    std::uint32_t gold = 0;
};

// Each add makes one more gold and one more version, from none.
bool is_linearizable(std::vector<table_call> history);

} // namespace stadion::test
