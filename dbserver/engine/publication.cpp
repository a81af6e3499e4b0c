#include "dbserver/engine/publication.hpp"

#include <algorithm>

namespace stadion::dbserver {
namespace {

// An estimate. It must be the same when the event is added and when it is dropped.
std::size_t bytes_of(const event& what) {
    const auto* score = what.state ? what.state->score() : nullptr;
    const auto points = score ? static_cast<std::size_t>(score->points_size()) : 0;
    return 256 + points * 160 + (score ? score->title().size() : 0);
}

} // namespace

void publication::retain(std::span<const event> batch) {
    std::lock_guard hold(lock_);
    events_.insert(events_.end(), batch.begin(), batch.end());
    for (const auto& one : batch) bytes_ += bytes_of(one);
    while (events_.size() > events_max_ || (bytes_ > bytes_max_ && events_.size() > 1)) {
        bytes_ -= bytes_of(events_.front());
        events_.pop_front();
        ++first_;
    }
}

void publication::begin_after(std::uint64_t sequence) {
    std::lock_guard hold(lock_);
    while (!events_.empty() && events_.front().sequence <= sequence) {
        bytes_ -= bytes_of(events_.front());
        events_.pop_front();
    }
    first_ = sequence + 1;
}

void publication::publish(std::span<const event> batch) {
    retain(batch);
    std::lock_guard hold(listeners_->lock);
    for (const auto& [id, to] : listeners_->sinks) to(batch);
}

subscription publication::watch(sink to) {
    std::lock_guard hold(listeners_->lock);
    const std::uint64_t id = listeners_->next_id++;
    listeners_->sinks.emplace(id, std::move(to));
    return subscription([id, from = listeners_] {
        std::lock_guard ending(from->lock);
        from->sinks.erase(id);
    });
}

std::optional<std::vector<event>> publication::since(std::uint64_t sequence, std::size_t limit) const {
    std::lock_guard hold(lock_);
    if (sequence + 1 < first_) return std::nullopt;
    const std::size_t skip = std::min<std::size_t>(sequence + 1 - first_, events_.size());
    const std::size_t count = std::min(limit, events_.size() - skip);
    const auto from = events_.begin() + static_cast<std::ptrdiff_t>(skip);
    return std::vector<event>(from, from + static_cast<std::ptrdiff_t>(count));
}

std::optional<event> publication::find(std::uint64_t sequence) const {
    std::lock_guard hold(lock_);
    if (sequence < first_ || sequence - first_ >= events_.size()) return std::nullopt;
    return events_[sequence - first_];
}

} // namespace stadion::dbserver
