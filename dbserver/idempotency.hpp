// Exactly once: which keys were used, for which request, and what was answered.
//
// A key is reserved before its mutation is applied, kept when that is durable, and released when it had no
// effect. It is remembered for a day from its commit; beyond `keys_max` the oldest go first, early.
// Threads: any; each shard has its own lock, held for a look-up.
#pragma once

#include "dbserver/state.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace stadion::dbserver {

struct key_record {
    std::uint64_t hash = 0;
    std::uint64_t sequence = 0;
    std::int64_t at_us = 0;
    state_ptr answer; // null for what has no state
};

class idempotency_keys {
public:
    idempotency_keys(std::size_t keys_max, std::int64_t kept_us)
        : shard_keys_max_(keys_max / shard_count + 1), kept_us_(kept_us) {}

    enum class verdict {
        fresh,    // reserved for the caller, who must keep or release it
        answered, // known: `found` says what was answered
        running,  // the first use has not ended yet
        reused,   // known, but for another request
    };
    verdict reserve(std::string_view key, std::uint64_t hash, std::int64_t now_us, key_record& found);
    void keep(std::string_view key, key_record record);
    void release(std::string_view key);

    std::size_t size() const;

private:
    static constexpr std::size_t shard_count = 32;
    struct entry {
        key_record record;
        bool kept = false;
    };
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    struct shard {
        mutable std::mutex lock;
        std::unordered_map<std::string, entry, text_hash, std::equal_to<>> entries;
        std::deque<std::pair<std::uint64_t, std::string>> by_age; // sequence and key, of the kept
    };
    shard& shard_of(std::string_view key) { return shards_[text_hash{}(key) % shard_count]; }
    void forget_old(shard& in, std::int64_t now_us) const;

    const std::size_t shard_keys_max_;
    const std::int64_t kept_us_;
    std::array<shard, shard_count> shards_;
};

} // namespace stadion::dbserver
