// Batches for the tests of the journal, and what recovery reads back.
#pragma once

#include "dbserver/journal/recovery.hpp"
#include "test/support/faulty_files.hpp"

#include <stdexcept>

namespace stadion::dbserver {

inline const layout journal_layout{"/data"};
inline constexpr std::uint64_t small_segment_bytes = 4096;

// A batch of `count` commits with consecutive sequences.
inline std::string batch_of(std::uint64_t first, std::uint64_t count = 1,
                            std::string_view line = R"({"game":"hockey"})") {
    std::string records;
    for (std::uint64_t sequence = first; sequence < first + count; ++sequence) {
        const std::size_t begun_at = begin_record(records);
        records += line;
        end_record(records, begun_at, sequence);
    }
    return records;
}

// A line of which three fit into a small segment, and four do not.
inline std::string long_line() { return '"' + std::string(1000, 'x') + '"'; }

struct read_back {
    std::variant<journal_end, damage> outcome;
    std::vector<std::uint64_t> commits; // the sequences that were visited
    std::vector<damage> passed_over;

    bool is_refused() const { return std::holds_alternative<damage>(outcome); }
    // These throw, and so fail the test, when the outcome is the other one.
    const journal_end& end() const {
        if (is_refused()) throw std::runtime_error(describe(std::get<damage>(outcome)));
        return std::get<journal_end>(outcome);
    }
    const damage& refusal() const { return std::get<damage>(outcome); }
};

inline read_back read_back_from(test::simulated_disk disk, const recovery_request& what = {}) {
    test::faulty_files on(std::move(disk));
    read_back found;
    found.outcome = read_journal(
        on, journal_layout, what,
        [&](const record& one) -> wire::result<void> {
            found.commits.push_back(one.sequence);
            return {};
        },
        found.passed_over);
    return found;
}

} // namespace stadion::dbserver
