// How many topics one subscription may name, whatever it comes by, and what they cost.
#pragma once

#include "wire/board.hpp"
#include "wire/result.hpp"

namespace stadion::net {

inline constexpr std::size_t topics_max = 1000;
inline constexpr std::size_t topic_bytes_max = 64 * 1024; // together

// INVALID_ARGUMENT, saying what to do, when there are more.
wire::result<void> check_topics(const wire::topic_filter& filter);

// About how many bytes a subscription keeps for them.
std::size_t memory_of(const wire::topic_filter& filter) noexcept;

} // namespace stadion::net
