#include "net/rpc/reconnection.hpp"

#include <algorithm>

namespace stadion::net {

void reconnection::set_addresses(std::vector<std::string> addresses) {
    addresses_ = std::move(addresses);
    next_ = 0;
}

bool reconnection::includes_current() const noexcept {
    return std::find(addresses_.begin(), addresses_.end(), current_) != addresses_.end();
}

const std::string& reconnection::attempt() { return current_ = addresses_[next_ % addresses_.size()]; }

std::chrono::milliseconds reconnection::longest_pause() const noexcept {
    const auto doublings = std::min<std::uint32_t>(failures_, 10);
    return std::min(first_ * (1 << doublings), max_);
}

} // namespace stadion::net
