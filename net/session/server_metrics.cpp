#include "net/session/server_metrics.hpp"

#include <algorithm>
#include <bit>

namespace stadion::net {

void server_metrics::resize(std::size_t workers) {
    while (per_worker_.size() < workers) per_worker_.push_back(std::make_unique<slots>());
}

std::size_t server_metrics::bucket_of(std::uint64_t microseconds) noexcept {
    return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(microseconds)), buckets - 1);
}

} // namespace stadion::net
