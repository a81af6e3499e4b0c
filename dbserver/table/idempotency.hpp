// Exactly once: which keys callers have used, for which request, and by which commit it was answered.
//
// A key is reserved before its mutation is applied, kept when that is durable, and released when it had no
// effect. A kept one is remembered for `kept_us` from its commit, never less: beyond the bounds it is a new
// key that is refused. The bounds are by caller, so that nobody can use up what others need.
//
// In memory a key is 48 bytes: of the key itself a hash of 128 bits, with a secret, so that nobody can find
// two keys that are taken for one, or aim at a part of the table. What was answered is not kept: the commit's
// sequence is, and the table's history has the state. With the order they expire in and the slots they are
// found by (open addressing, linear probing) it is at most 64.
//
// Threads: any; each shard has its own lock, held for a look-up, and takes that of a caller's count.
#pragma once

#include "dbserver/table/siphash.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace stadion::dbserver {

// What a use of a key is known by.
struct key_use {
    hash_128 key;
    std::uint64_t request = 0; // its hash
    std::uint32_t caller = 0;  // its hash
    bool is_brief = false;     // it goes to the table of those that are kept for minutes
};

// As it stands in memory and in the files of keys.
struct key_record {
    hash_128 key;
    std::uint64_t request = 0;
    std::uint64_t sequence = 0;
    std::int64_t at_us = 0;
    std::uint32_t caller = 0;
    std::uint32_t is_brief = 0; // 1: a server's own, for the time it tries (wire/retry_key.hpp)
};
static_assert(sizeof(key_record) == 48);

struct key_bounds {
    std::size_t keys_max = 4'000'000;
    std::size_t keys_per_caller_max = 1'000'000;
    std::int64_t kept_us = 86'400'000'000;
};

class idempotency_keys {
public:
    explicit idempotency_keys(key_bounds within) : within_(within) {}

    // Before anything else.
    void set_secret(const hash_key& secret) { secret_ = secret; }
    const hash_key& secret() const { return secret_; }

    hash_128 hash_of_key(std::string_view key) const { return siphash(secret_, key); }
    // 0 for the server itself.
    std::uint32_t hash_of_caller(std::string_view caller) const;

    enum class verdict {
        fresh,    // reserved for the caller, who must keep or release it
        answered, // known: `found` says by which commit
        running,  // the first use has not ended yet
        reused,   // known, but for another request
        full,     // the caller, or all together, have too many: in `found`, when there may be one less
    };
    verdict reserve(const key_use& use, std::int64_t now_us, key_record& found);
    // A reserved one; or at start, one that was kept before, in the order of commits.
    void keep(const key_record& record);
    void release(const key_use& use);

    void forget_expired(std::int64_t now_us);
    std::size_t size() const { return size_.load(std::memory_order_relaxed); }
    std::size_t memory_bytes() const; // of those that are kept

private:
    static constexpr std::size_t shard_count = 64;
    static constexpr std::uint32_t no_place = UINT32_MAX;
    struct key_hash {
        std::size_t operator()(const hash_128& of) const { return static_cast<std::size_t>(of.low); }
    };
    // Places are numbered for ever; a slot has the low half of the number of what it leads to.
    struct shard {
        mutable std::mutex lock;
        std::deque<key_record> kept; // by age
        std::uint64_t first = 0;     // the place of the oldest
        std::vector<std::uint32_t> slots;
        std::unordered_map<hash_128, key_use, key_hash> running;

        key_record& at(std::uint32_t place) { return kept[place - static_cast<std::uint32_t>(first)]; }
        std::size_t slot_of(const hash_128& key);
        key_record* find(const hash_128& key);
        void add(const key_record& record);
        void grow();
        void remove_oldest();
    };
    struct caller_counts {
        std::mutex lock;
        std::unordered_map<std::uint32_t, std::size_t> keys;
    };
    shard& shard_of(const hash_128& key) { return shards_[key.high % shard_count]; }
    bool count_one_more(std::uint32_t caller, bool within_bounds);
    void count_one_less(std::uint32_t caller);
    void forget_expired_in(shard& in, std::int64_t now_us);
    std::int64_t next_expiry_us() const;

    const key_bounds within_;
    hash_key secret_;
    std::array<shard, shard_count> shards_;
    std::array<caller_counts, shard_count> counts_;
    std::atomic<std::size_t> size_{0};
};

} // namespace stadion::dbserver
