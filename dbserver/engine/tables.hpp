// The tables in memory: one entry per game and team, each with its own lock, found by name.
//
// An entry, once made, stays where it is for the life of the store, so that it is used without the map's
// lock. Locks: the map's is held for a look-up only; an entry's for as long as it takes to make the next
// state in memory, never across I/O. An entry's lock may be taken before the sequencer's, never after it.
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

// The operations of a table, as their lines in the journal say them, oldest first. One text for all of them,
// for there are many, and what adds them is not the thread that drops them: a string for each made the two
// wait for each other in the allocator.
class recent_lines {
public:
    // `line` with a newline at the end.
    void append(std::uint64_t sequence, std::string_view line);
    void drop_after(std::uint64_t sequence);
    // Answers what held them, for the caller to free without the table's lock.
    [[nodiscard]] std::string drop_through(std::uint64_t sequence);

    const std::string& text() const noexcept { return text_; }
    bool has(std::uint64_t sequence) const;
    // Adds the sequences up to this one.
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
    // All below: guarded by `lock`.
    state_ptr latest;    // may be waiting for its durability
    state_ptr published; // what readers see; null before the first
    recent_lines recent; // what is not in the archive yet, those waiting included
    std::uint64_t archive_bytes = 0;
    std::uint32_t archive_crc = 0;
    std::uint64_t archive_last = 0; // the last sequence in the archive
    bool dirty = false;             // noted for the next checkpoint
};

class table_map {
public:
    table* find(std::string_view name) const;
    table& find_or_make(std::string_view name);
    std::size_t size() const;

    // Entries whose name begins with the prefix and comes after `after`, in order, until `visit` says false.
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
