#include "net/rpc/link_requests.hpp"

#include "net/rpc/link.hpp"

#include <algorithm>

namespace stadion::net {

std::string encode_metadata(const call_options& options) {
    if (options.idempotency_key.empty() && options.seen_sequence == 0 && options.epoch == 0) return {};
    v1::Metadata metadata;
    metadata.set_idempotency_key(options.idempotency_key);
    metadata.set_seen_sequence(options.seen_sequence);
    metadata.set_seen_board(options.seen_board);
    metadata.set_epoch(options.epoch);
    return metadata.SerializeAsString();
}

bool waiting_calls::has_room(std::size_t bytes) const noexcept {
    return waiting_.size() < count_max_ && bytes_.get() + sizeof(one) + bytes <= bytes_max_;
}

std::string waiting_calls::text() const {
    return std::to_string(waiting_.size()) + " calls of " + std::to_string(bytes_.get()) + " bytes";
}

std::uint64_t waiting_calls::add(one call) {
    bytes_.set(bytes_.get() + call.size());
    waiting_.emplace(next_place_, std::move(call));
    return next_place_++;
}

void waiting_calls::remove(std::uint64_t place) {
    const auto found = waiting_.find(place);
    if (found == waiting_.end()) return;
    bytes_.set(bytes_.get() - found->second.size());
    waiting_.erase(found);
}

waiting_calls::queue waiting_calls::take_all() {
    bytes_.set(0);
    return std::exchange(waiting_, {});
}

} // namespace stadion::net
