#include "dbserver/table/idempotency.hpp"

#include "dbserver/table/planted_bug.hpp"

#include <algorithm>

namespace stadion::dbserver {

std::uint32_t idempotency_keys::hash_of_caller(std::string_view caller) const {
    if (caller.empty()) return 0;
    return static_cast<std::uint32_t>(siphash(secret_, caller).high) | 1;
}

idempotency_keys::verdict idempotency_keys::reserve(const key_use& use, std::int64_t now_us,
                                                    key_record& found) {
    shard& in = shard_of(use.key);
    {
        std::lock_guard hold(in.lock);
        forget_expired_in(in, now_us);
        if (const key_record* known = in.find(use.key)) {
            found = *known;
            return known->request == use.request ? verdict::answered : verdict::reused;
        }
        if (const auto first = in.running.find(use.key); first != in.running.end())
            return first->second.request == use.request ? verdict::running : verdict::reused;
        if (count_one_more(use.caller, true)) {
            in.running.emplace(use.key, use);
            return verdict::fresh;
        }
    }
    found.at_us = next_expiry_us();
    return verdict::full;
}

void idempotency_keys::keep(const key_record& record) {
    shard& in = shard_of(record.key);
    std::lock_guard hold(in.lock);
    const bool was_counted = in.running.erase(record.key) > 0;
    key_record* before = in.find(record.key);
    if (before && before->sequence == record.sequence) {
        if (was_counted) count_one_less(record.caller);
        return;
    }
    if (!was_counted) count_one_more(record.caller, false);
    // An expired record of the same key that is not dropped yet. It is dropped in its turn.
    if (before) before->sequence = 0;
    in.add(record);
}

void idempotency_keys::release(const key_use& use) {
    shard& in = shard_of(use.key);
    std::lock_guard hold(in.lock);
    if (in.running.erase(use.key) > 0) count_one_less(use.caller);
}

void idempotency_keys::forget_expired(std::int64_t now_us) {
    for (shard& in : shards_) {
        std::lock_guard hold(in.lock);
        forget_expired_in(in, now_us);
    }
}

void idempotency_keys::forget_expired_in(shard& in, std::int64_t now_us) {
    const std::int64_t kept_us = planted(bug::forgets_keys_early) ? within_.kept_us / 2 : within_.kept_us;
    while (!in.kept.empty() && in.kept.front().at_us + kept_us <= now_us) {
        count_one_less(in.kept.front().caller);
        in.remove_oldest();
    }
}

std::int64_t idempotency_keys::next_expiry_us() const {
    std::int64_t earliest_us = INT64_MAX;
    for (const shard& in : shards_) {
        std::lock_guard hold(in.lock);
        if (!in.kept.empty()) earliest_us = std::min(earliest_us, in.kept.front().at_us + within_.kept_us);
    }
    return earliest_us;
}

std::size_t idempotency_keys::memory_bytes() const {
    std::size_t bytes = 0;
    for (const shard& in : shards_) {
        std::lock_guard hold(in.lock);
        // A deque's blocks have 10 records each, and a pointer to each block.
        bytes += in.kept.size() / 10 * (512 + sizeof(void*)) + in.slots.capacity() * sizeof(std::uint32_t);
    }
    return bytes;
}

bool idempotency_keys::count_one_more(std::uint32_t caller, bool within_bounds) {
    if (within_bounds && size_.load(std::memory_order_relaxed) >= within_.keys_max) return false;
    caller_counts& of = counts_[caller % shard_count];
    std::lock_guard hold(of.lock);
    std::size_t& keys = of.keys[caller];
    if (within_bounds && keys >= within_.keys_per_caller_max) return false;
    ++keys;
    size_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

void idempotency_keys::count_one_less(std::uint32_t caller) {
    caller_counts& of = counts_[caller % shard_count];
    std::lock_guard hold(of.lock);
    const auto keys = of.keys.find(caller);
    if (keys == of.keys.end()) return;
    if (--keys->second == 0) of.keys.erase(keys);
    size_.fetch_sub(1, std::memory_order_relaxed);
}

// The slot of the key, or the free slot where it would be put.
std::size_t idempotency_keys::shard::slot_of(const hash_128& key) {
    const std::size_t mask = slots.size() - 1;
    std::size_t slot = key.low & mask;
    while (slots[slot] != no_place && at(slots[slot]).key != key) slot = (slot + 1) & mask;
    return slot;
}

key_record* idempotency_keys::shard::find(const hash_128& key) {
    if (slots.empty()) return nullptr;
    const std::uint32_t place = slots[slot_of(key)];
    return place == no_place ? nullptr : &at(place);
}

void idempotency_keys::shard::add(const key_record& record) {
    if ((kept.size() + 1) * 5 > slots.size() * 4) grow();
    const auto place = static_cast<std::uint32_t>(first + kept.size());
    const std::size_t slot = slot_of(record.key);
    kept.push_back(record);
    slots[slot] = place;
}

void idempotency_keys::shard::grow() {
    slots.assign(std::max<std::size_t>(64, slots.size() * 2), no_place);
    const std::size_t mask = slots.size() - 1;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        if (kept[i].sequence == 0) continue;
        std::size_t slot = kept[i].key.low & mask;
        while (slots[slot] != no_place) slot = (slot + 1) & mask;
        slots[slot] = static_cast<std::uint32_t>(first + i);
    }
}

// Deletion with linear probing: entries behind the hole whose probing begins at or before it move into it.
void idempotency_keys::shard::remove_oldest() {
    const std::size_t mask = slots.size() - 1;
    std::size_t hole = slot_of(kept.front().key);
    if (kept.front().sequence == 0)
        return kept.pop_front(), void(++first); // the slot belongs to a later record
    for (std::size_t next = (hole + 1) & mask; slots[next] != no_place; next = (next + 1) & mask) {
        const std::size_t wanted = at(slots[next]).key.low & mask;
        if (((next - wanted) & mask) < ((next - hole) & mask)) continue;
        slots[hole] = slots[next];
        hole = next;
    }
    slots[hole] = no_place;
    kept.pop_front();
    ++first;
}

} // namespace stadion::dbserver
