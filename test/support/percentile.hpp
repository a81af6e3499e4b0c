// Which of so many sorted values a percentile is: the smallest that the share is not above (nearest rank). Of
// four values the 99th percentile is the largest, and not the third.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace stadion::test {

// From 0; `count` is not 0.
inline std::size_t rank_of(double share, std::size_t count) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(count) - 1e-9));
    return std::clamp<std::size_t>(rank, 1, count) - 1;
}

} // namespace stadion::test
