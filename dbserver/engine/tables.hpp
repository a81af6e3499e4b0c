// The tables in memory: one entry per game and team, each with its own lock, found by name.
//
// An entry is never moved or removed, so that it is used without the map's lock. Locks: the map's is held for
// a look-up only. An entry's lock is held while the next state is drafted in memory, never during I/O. An
// entry's lock may be taken before the sequencer's, never after it.
#pragma once

#include "dbserver/journal/commit_index.hpp"
#include "dbserver/table/state.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace stadion::dbserver {

// The lines of a table's latest commits, oldest first, in one string. One string per line would be allocated
// by one thread and freed by another at a high rate; the two threads then wait for each other in the
// allocator.
class recent_lines {
public:
    // The line ends in a newline.
    void append(std::uint64_t sequence, std::string_view line);
    void drop_after(std::uint64_t sequence);
    // Returns the old string, so that the caller frees it without the table's lock.
    [[nodiscard]] std::string drop_through(std::uint64_t sequence);

    const std::string& text() const noexcept { return text_; }
    bool has(std::uint64_t sequence) const;
    // Appends an index entry for each line up to this sequence.
    void list_through(std::uint64_t sequence, std::uint64_t table, std::vector<indexed_commit>& into) const;
    std::string_view text_through(std::uint64_t sequence) const;

private:
    struct end_of_line {
        std::uint64_t sequence;
        std::size_t at;
    };
    std::size_t lines_through(std::uint64_t sequence) const;

    std::string text_;
    std::vector<end_of_line> ends_;
};

struct table {
    explicit table(std::string full_name) : name(std::move(full_name)), number(table_number(name)) {}

    const std::string name; // "games/hockey"
    const std::uint64_t number;

    mutable std::mutex lock;
    // The members below are guarded by `lock`.
    state_ptr latest;    // may not be durable yet
    state_ptr published; // what readers see; null before the first
    recent_lines recent; // lines that are not in the archive yet, those not durable included
    std::uint64_t archive_bytes = 0;
    std::uint32_t archive_crc = 0;
    bool dirty = false; // in changed_tables_, for the next checkpoint
};

class table_map {
public:
    table* find(std::string_view name) const;
    table& find_or_make(std::string_view name);
    std::size_t size() const;

    // Visits entries whose name begins with the prefix and comes after `after`, in order, until `visit`
    // returns false.
    template <typename Visit>
    void visit(std::string_view prefix, std::string_view after, Visit visit) const {
        std::shared_lock hold(ordered_lock_);
        auto at = after > prefix ? ordered_.upper_bound(after) : ordered_.lower_bound(prefix);
        for (; at != ordered_.end() && std::string_view(at->first).starts_with(prefix); ++at)
            if (!visit(*at->second)) return;
    }

private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    struct shard {
        mutable std::shared_mutex lock;
        std::unordered_map<std::string, std::unique_ptr<table>, text_hash, std::equal_to<>> tables;
    };
    shard& shard_of(std::string_view name) const { return shards_[text_hash{}(name) % shards_.size()]; }

    mutable std::array<shard, 64> shards_;
    mutable std::shared_mutex ordered_lock_;
    std::map<std::string, table*, std::less<>> ordered_;
};

} // namespace stadion::dbserver
