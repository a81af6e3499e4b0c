#include "dbserver/idempotency.hpp"

namespace stadion::dbserver {

idempotency_keys::verdict idempotency_keys::reserve(std::string_view key, std::uint64_t hash,
                                                    std::int64_t now_us, key_record& found) {
    shard& in = shard_of(key);
    std::lock_guard hold(in.lock);
    forget_old(in, now_us);
    const auto at = in.entries.find(key);
    if (at == in.entries.end()) {
        in.entries.emplace(std::string(key), entry{}).first->second.record.hash = hash;
        return verdict::fresh;
    }
    if (at->second.record.hash != hash) return verdict::reused;
    if (!at->second.kept) return verdict::running;
    found = at->second.record;
    return verdict::answered;
}

void idempotency_keys::keep(std::string_view key, key_record record) {
    shard& in = shard_of(key);
    std::lock_guard hold(in.lock);
    in.by_age.emplace_back(record.sequence, key);
    entry& kept = in.entries[std::string(key)];
    kept.record = std::move(record);
    kept.kept = true;
}

void idempotency_keys::release(std::string_view key) {
    shard& in = shard_of(key);
    std::lock_guard hold(in.lock);
    const auto at = in.entries.find(key);
    if (at != in.entries.end() && !at->second.kept) in.entries.erase(at);
}

std::size_t idempotency_keys::size() const {
    std::size_t count = 0;
    for (const shard& in : shards_) {
        std::lock_guard hold(in.lock);
        count += in.entries.size();
    }
    return count;
}

void idempotency_keys::forget_old(shard& in, std::int64_t now_us) const {
    while (!in.by_age.empty()) {
        const auto& [sequence, key] = in.by_age.front();
        const auto at = in.entries.find(key);
        // The key may have been forgotten and used again since.
        const bool current =
            at != in.entries.end() && at->second.kept && at->second.record.sequence == sequence;
        const bool old = current && at->second.record.at_us + kept_us_ <= now_us;
        if (current && !old && in.by_age.size() <= shard_keys_max_) return;
        if (current) in.entries.erase(at);
        in.by_age.pop_front();
    }
}

} // namespace stadion::dbserver
