#include "dbserver/engine/tables.hpp"

#include <algorithm>

namespace stadion::dbserver {

void recent_lines::append(std::uint64_t sequence, std::string_view line) {
    text_ += line;
    ends_.push_back({sequence, text_.size()});
}

std::size_t recent_lines::lines_through(std::uint64_t sequence) const {
    const auto after =
        std::upper_bound(ends_.begin(), ends_.end(), sequence,
                         [](std::uint64_t wanted, const end_of_line& one) { return wanted < one.sequence; });
    return static_cast<std::size_t>(after - ends_.begin());
}

std::string_view recent_lines::text_through(std::uint64_t sequence) const {
    const std::size_t lines = lines_through(sequence);
    return std::string_view(text_).substr(0, lines == 0 ? 0 : ends_[lines - 1].at);
}

bool recent_lines::has(std::uint64_t sequence) const {
    const std::size_t lines = lines_through(sequence);
    return lines > 0 && ends_[lines - 1].sequence == sequence;
}

void recent_lines::list_through(std::uint64_t sequence, std::uint64_t table,
                                std::vector<indexed_commit>& into) const {
    for (std::size_t i = 0, lines = lines_through(sequence); i < lines; ++i)
        into.push_back({ends_[i].sequence, table});
}

void recent_lines::drop_after(std::uint64_t sequence) {
    text_.resize(text_through(sequence).size());
    ends_.resize(lines_through(sequence));
}

std::string recent_lines::drop_through(std::uint64_t sequence) {
    const std::size_t dropped = text_through(sequence).size();
    ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(lines_through(sequence)));
    for (end_of_line& one : ends_) one.at -= dropped;
    return std::exchange(text_, text_.substr(dropped));
}

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
