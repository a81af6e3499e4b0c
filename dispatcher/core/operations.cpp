#include "dispatcher/core/operations.hpp"

namespace stadion::dispatcher {

operations::operations(settings limits, std::function<std::string()> make_id)
    : limits_(limits), make_id_(std::move(make_id)) {}

wire::result<std::string> operations::begin(time_point now) {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    if (entries_.size() >= limits_.count_max) forget_first();
    if (entries_.size() >= limits_.count_max) {
        auto failure = wire::make_error(wire::status::resource_exhausted,
                                        std::to_string(limits_.count_max) +
                                            " requests are being answered later already");
        failure.retry_after = std::chrono::seconds(1);
        return failure;
    }
    auto id = make_id_();
    entries_[id] = {};
    return id;
}

void operations::end(const std::string& id, answer result, time_point now) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.result) return;
    bytes_ += result.body.size();
    found->second.result = std::move(result);
    found->second.ended_at = now;
    found->second.place = ended_.insert(ended_.end(), id);
    while (bytes_ > limits_.bytes_max && ended_.front() != id) forget_first();
}

std::optional<operations::state> operations::find(const std::string& id, time_point now) {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return state{found->second.result};
}

void operations::forget_old(time_point now) {
    while (!ended_.empty() && now - entries_.at(ended_.front()).ended_at > limits_.keep_for) forget_first();
}

void operations::forget_first() {
    if (ended_.empty()) return;
    const auto found = entries_.find(ended_.front());
    bytes_ -= found->second.result->body.size();
    entries_.erase(found);
    ended_.pop_front();
}

} // namespace stadion::dispatcher
