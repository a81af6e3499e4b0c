#include "dbserver/tables.hpp"

namespace stadion::dbserver {

table* table_map::find(std::string_view name) const {
    const shard& in = shard_of(name);
    std::shared_lock hold(in.lock);
    const auto at = in.tables.find(name);
    return at == in.tables.end() ? nullptr : at->second.get();
}

table& table_map::find_or_make(std::string_view name) {
    if (table* known = find(name)) return *known;
    shard& in = shard_of(name);
    std::unique_lock hold(in.lock);
    auto& entry = in.tables[std::string(name)];
    if (entry) return *entry;
    entry = std::make_unique<table>(std::string(name));
    std::unique_lock order(ordered_lock_);
    ordered_.emplace(entry->name, entry.get());
    return *entry;
}

std::size_t table_map::size() const {
    std::shared_lock hold(ordered_lock_);
    return ordered_.size();
}

} // namespace stadion::dbserver
