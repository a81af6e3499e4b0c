// The tables in memory: one entry per game and team, each with its own lock, found by name.
//
// An entry, once made, stays where it is for the life of the store, so that it is used without the map's
// lock. Locks: the map's is held for a look-up only; an entry's for as long as it takes to make the next
// state in memory, never across I/O. An entry's lock may be taken before the sequencer's, never after it.
#pragma once

#include "dbserver/state.hpp"

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

// One committed operation, as its line in the journal says it.
struct step {
    std::uint64_t sequence = 0;
    std::string text; // with a newline at the end
};

struct table {
    explicit table(std::string full_name) : name(std::move(full_name)) {}

    const std::string name; // "games/hockey"

    mutable std::mutex lock;
    // All below: guarded by `lock`.
    state_ptr latest;        // may be waiting for its durability
    state_ptr published;     // what readers see; null before the first
    std::vector<step> steps; // what is not in the archive yet, oldest first, those waiting included
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
